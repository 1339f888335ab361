import type { Shape } from '../shapes.ts';

/** Row-major strides of a shape. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/** Calls `visit` with the offset, by `strides`, of every element of `shape` in row-major order. */
export function walk(shape: Shape, strides: readonly number[], visit: (offset: number) => void): void {
  const last = shape.length - 1;
  const along = (axis: number, offset: number): void => {
    const [length, stride] = [shape[axis]!, strides[axis]!];
    for (let i = 0; i < length; i++)
      if (axis === last) visit(offset + i * stride);
      else along(axis + 1, offset + i * stride);
  };
  if (last < 0) visit(0);
  else along(0, 0);
}
