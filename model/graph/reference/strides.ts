import type { Shape } from '../shapes.ts';

/** Row-major strides of a shape. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

export const offsetOf = (index: readonly number[], strides: readonly number[]): number =>
  index.reduce((offset, at, axis) => offset + at * strides[axis]!, 0);

/** Calls `visit` with every index of `shape` in row-major order; the array is reused. */
export function walk(shape: Shape, visit: (index: readonly number[]) => void): void {
  if (shape.includes(0)) return;
  const index = new Array<number>(shape.length).fill(0);
  for (;;) {
    visit(index);
    let axis = shape.length - 1;
    while (axis >= 0 && index[axis] === shape[axis]! - 1) index[axis--] = 0;
    if (axis < 0) return;
    index[axis]!++;
  }
}
