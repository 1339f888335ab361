import type { ModelRunner, TensorValue } from '../graph/executor.ts';
import { halvedTo } from './halve.ts';
import { planesOf } from './planes.ts';
import type { Trunk } from './planes.ts';

/** A tap as a model reads it: averaged down by halves to `side`, px. */
export interface ReadTap {
  readonly name: string;
  readonly channels: number;
  readonly side: number;
}

/**
 * Rows [n, P] of the images: the planes of one after the other tap, in the order of `taps`, side by side. As `planesOf`,
 * whose errors it throws, it may block the calling thread, and gives the same bits in any batch.
 * @param images [n, 3, side, side] of the trunk's side and pixels
 */
export async function rowsOf(
  models: ModelRunner,
  trunk: Trunk,
  taps: readonly ReadTap[],
  images: TensorValue,
): Promise<Float32Array<ArrayBuffer>> {
  const count = images.shape[0]!;
  const names = taps.map(({ name }) => name);
  const planes = await planesOf(models, trunk, names, images);
  const lengths = taps.map(({ channels, side }) => channels * side ** 2);
  const length = lengths.reduce((total, own) => total + own, 0);
  const rows = new Float32Array(count * length);
  let start = 0;
  taps.forEach(({ name, channels, side }, tap) => {
    const values = halvedTo(planes[name]!.data, count * channels, side);
    const own = lengths[tap]!;
    for (let i = 0; i < count; i++) rows.set(values.subarray(i * own, (i + 1) * own), i * length + start);
    start += own;
  });
  return rows;
}
