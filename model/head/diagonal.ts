import { pad, reshape, slice } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';

// in rows of n + 1 elements, the diagonal of an n × n matrix is the first column: no mask of n × n constants

/** The matrix [n, n] with `column` [n, 1] as its diagonal and zeros beside it. */
export function diagonalMatrix(column: Tensor): Tensor {
  const n = column.shape[0]!;
  const rows = reshape(pad(column, 1, 0, n), [n * (n + 1)]);
  return reshape(slice(rows, 0, 0, n * n), [n, n]);
}

/** The diagonal of a matrix [n, n] as a column [n, 1]. */
export function diagonalOf(matrix: Tensor): Tensor {
  const n = matrix.shape[0]!;
  const rows = pad(reshape(matrix, [n * n]), 0, 0, n);
  return slice(reshape(rows, [n, n + 1]), 1, 0, 1);
}
