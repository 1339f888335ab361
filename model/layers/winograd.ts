import { add, concat, matmul, pad, reshape, slice, subtract, transpose } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';

/** A 3x3 kernel's 9 taps to the 16 products of a tile: (G ⊗ G)ᵀ of F(2x2, 3x3). */
const kernelTransform = kronecker([1, 0, 0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0, 0, 1], 4, 3);
/** The 16 products to the 4 outputs of a tile: Aᵀ ⊗ Aᵀ. */
const outputTransform = kronecker([1, 1, 1, 0, 0, 1, -1, -1], 2, 4);

/** a ⊗ a for a [rows, columns]: [rows², columns²]. */
function kronecker(a: readonly number[], rows: number, columns: number): Float64Array {
  const result = new Float64Array((rows * columns) ** 2);
  for (let i = 0; i < result.length; i++) {
    const [row, column] = [Math.floor(i / columns ** 2), i % columns ** 2];
    const [r1, r2] = [Math.floor(row / rows), row % rows];
    const [c1, c2] = [Math.floor(column / columns), column % columns];
    result[i] = a[r1 * columns + c1]! * a[r2 * columns + c2]!;
  }
  return result;
}

/**
 * 3x3 convolution with padding 1 by Winograd's minimal filtering F(2x2, 3x3) (Lavin & Gray 2016): 2.25 times fewer
 * multiplications, as sixteen matrix products; all the rest is linear, so every derivative is of the same form.
 * x [c, h, w, n], even h and w, images last; kernel [o, c, 3, 3].
 * @returns [o, 4 · h/2 · w/2 · n]: columns ordered by the position in the 2x2 tile first
 */
export function convolveTiles(x: Tensor, kernel: Tensor): Tensor {
  const [c, h, w, n] = x.shape as [number, number, number, number];
  const o = kernel.shape[0]!;
  const [rows, columns] = [h / 2, w / 2];
  const padded = pad(pad(x, 1, 1, 1), 2, 1, 1);
  const phases = transpose(reshape(padded, [c, rows + 1, 2, columns + 1, 2, n]), [2, 4, 0, 1, 3, 5]);
  const tiles = tileTransform(tileTransform(phases, 0, 3), 1, 4); // [4, 4, c, h/2, w/2, n]
  const size = rows * columns * n;
  const basis = x.graph.constant(kernelTransform, [16, 9]);
  const kernels = reshape(matmul(basis, reshape(kernel, [o * c, 9]), false, true), [16, o, c]);
  const products = matmul(kernels, reshape(tiles, [16, c, size])); // [16, o, size]
  const outputs = matmul(x.graph.constant(outputTransform, [4, 16]), reshape(products, [16, o * size]));
  return reshape(transpose(reshape(outputs, [4, o, size]), [1, 0, 2]), [o, 4 * size]);
}

/**
 * Bᵀd along one spatial axis: even and odd lines lie in the two halves of `phase`, m + 1 each; tile i has lines
 * d0..d3 = even i, odd i, even i + 1, odd i + 1, and gives d0 - d2, d1 + d2, d2 - d1, d1 - d3 along `phase`.
 */
function tileTransform(x: Tensor, phase: number, axis: number): Tensor {
  const tiles = x.shape[axis]! - 1;
  const [even, odd] = [slice(x, phase, 0, 1), slice(x, phase, 1, 1)];
  const [d0, d1] = [slice(even, axis, 0, tiles), slice(odd, axis, 0, tiles)];
  const [d2, d3] = [slice(even, axis, 1, tiles), slice(odd, axis, 1, tiles)];
  const middle = subtract(d2, d1);
  return concat([subtract(d0, d2), add(d1, d2), middle, subtract(d1, d3)], phase);
}
