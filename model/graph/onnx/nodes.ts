import type { Tensor } from '../primitives.ts';
import type { Emitter } from './emitter.ts';

/* Nodes that several rules are made of. */

/** The last two axes of planes or of filters. */
export const spatial = ({ shape }: Tensor): readonly [number, number] => [shape[2]!, shape[3]!];

export const both = (value: number): readonly [number, number] => [value, value];

export const transposed = (emitter: Emitter, name: string, perm: readonly number[]): string =>
  emitter.emit('Transpose', [name], { perm });

export const reshaped = (emitter: Emitter, name: string, shape: readonly number[]): string =>
  emitter.emit('Reshape', [name, emitter.integers(shape)]);

/** Of every axis that is named the part from a start to before an end; every one of it without steps. */
export function sliced(
  emitter: Emitter,
  name: string,
  bounds: {
    readonly starts: readonly number[];
    readonly ends: readonly number[];
    readonly axes: readonly number[];
    readonly steps?: readonly number[];
  },
): string {
  const { starts, ends, axes, steps } = bounds;
  const inputs = [starts, ends, axes, ...(steps ? [steps] : [])].map((values) => emitter.integers(values));
  return emitter.emit('Slice', [name, ...inputs]);
}

/** An axis of `size` backwards: from the last element to an end that stays below 0 when the size is added to it. */
export const backwards = (emitter: Emitter, name: string, axis: number, size: number): string =>
  sliced(emitter, name, { starts: [-1], ends: [-size - 1], axes: [axis], steps: [-1] });

/**
 * Of a convolution with a cotangent as its kernel, [.., .., >=k, >=k], the part that is the gradient of a filter: a stride
 * can leave rows and columns behind it that no tap has seen.
 */
export function tapsOf(
  { inputs, attributes }: Tensor<'convFilterGradient'>,
  emitter: Emitter,
  name: string,
): string {
  const { stride, padding, dilation, kernel } = attributes;
  const [x, g] = inputs.map(spatial) as [readonly [number, number], readonly [number, number]];
  const covered = [0, 1].map(
    (axis) => Math.floor((x[axis]! + 2 * padding - stride * (g[axis]! - 1) - 1) / dilation) + 1,
  );
  if (covered[0] === kernel[0] && covered[1] === kernel[1]) return name;
  return sliced(emitter, name, { starts: [0, 0], ends: kernel, axes: [2, 3] });
}
