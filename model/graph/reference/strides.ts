import type { Shape } from '../shapes.ts';

/** Row-major strides of a shape. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/**
 * Calls `visit` for every row of `shape` along its last axis, in row-major order, with the offset, by `strides`, of its first
 * element, its length and the stride from one element to the next.
 */
export function walkRows(
  shape: Shape,
  strides: readonly number[],
  visit: (offset: number, length: number, stride: number) => void,
): void {
  const last = shape.length - 1;
  const along = (axis: number, offset: number): void => {
    const [length, stride] = [shape[axis]!, strides[axis]!];
    if (axis === last) visit(offset, length, stride);
    else for (let i = 0; i < length; i++) along(axis + 1, offset + i * stride);
  };
  if (last < 0) visit(0, 1, 1);
  else along(0, 0);
}
