/**
 * The inverses of consecutive symmetric positive definite n × n matrices, row-major, in float64: Gauss-Jordan
 * elimination in place. Such matrices need no pivoting (Higham, Accuracy and Stability of Numerical Algorithms, 10.1).
 */
export function inverses(matrices: ArrayLike<number>, n: number): Float64Array {
  const result = Float64Array.from(matrices);
  for (let start = 0; start < result.length; start += n * n) {
    const matrix = result.subarray(start, start + n * n);
    for (let pivot = 0; pivot < n; pivot++) eliminate(matrix, n, pivot);
  }
  return result;
}

/** Exchanges the variable of row `pivot` for that of its column. */
function eliminate(matrix: Float64Array, n: number, pivot: number): void {
  const pivotRow = matrix.subarray(pivot * n, (pivot + 1) * n);
  const scale = 1 / pivotRow[pivot]!;
  pivotRow[pivot] = 1;
  for (let column = 0; column < n; column++) pivotRow[column]! *= scale;
  for (let row = 0; row < n; row++) {
    if (row === pivot) continue;
    const current = matrix.subarray(row * n, (row + 1) * n);
    const factor = current[pivot]!;
    current[pivot] = 0;
    for (let column = 0; column < n; column++) current[column]! -= factor * pivotRow[column]!;
  }
}
