import type { ModelConfiguration } from '../configuration.ts';
import {
  averagePool,
  concat,
  mean,
  multiply,
  reshape,
  slice,
  transpose,
  unitRows,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { Shape } from '../graph/shapes.ts';
import { rowLength } from './taps.ts';
import type { Tap } from './taps.ts';

/** Shape of `count` images as a model reads them: pixels, or rows of planes of a trunk. */
export const imagesShape = ({ image: { size }, trunk }: ModelConfiguration, count: number): Shape =>
  trunk ? [count, rowLength(trunk.taps)] : [count, 3, size, size];

/**
 * The planes of one tap in rows of planes [r, P] (P = rowLength(taps)): [r, c, h, w].
 * @throws RangeError when the rows have no such tap
 */
export function tapPlanes(rows: Tensor, taps: readonly Tap[], name: string): Tensor {
  const at = taps.findIndex((tap) => tap.name === name);
  const tap = taps[at];
  if (!tap) throw new RangeError(`the rows have no tap ${name}`);
  const { channels, side } = tap;
  const own = slice(rows, 1, rowLength(taps.slice(0, at)), channels * side ** 2);
  return reshape(own, [rows.shape[0]!, channels, side, side]);
}

/** Planes averaged down to `side`, by halves as the reduction cell's pools do: [r, c, side, side]. */
export function averagedTo(planes: Tensor, side: number): Tensor {
  const own = planes.shape[2]!;
  if (own === side) return planes;
  const halved = averagePool(planes, { kernel: 3, stride: 2, padding: 1 });
  if (halved.shape[2]! < side) throw new RangeError(`planes of ${own} do not halve to ${side}`);
  return averagedTo(halved, side);
}

/** Planes [r, c, h, w] as the cells read them, channel-major: [c, r·h·w]. */
export function channelMajor(planes: Tensor): Tensor {
  const [r, c, h, w] = planes.shape as [number, number, number, number];
  return reshape(transpose(planes, [1, 0, 2, 3]), [c, r * h * w]);
}

/** Mean over the plane: [r, c]. */
export function pooled(planes: Tensor): Tensor {
  const [r, c] = planes.shape as [number, number, number, number];
  return reshape(mean(planes, [2, 3]), [r, c]);
}

/** Keeps features finite that are all zero. */
const smallest = 1e-6;

/** What the task encoder reads of rows of planes: every tap's pooled features at a mean square of 1, side by side, [r, Σ c]. */
export function tapSummary(rows: Tensor, taps: readonly Tap[]): Tensor {
  return concat(
    taps.map(({ name }) => {
      const features = pooled(tapPlanes(rows, taps, name));
      return multiply(unitRows(features, smallest), Math.sqrt(features.shape[1]!));
    }),
    1,
  );
}
