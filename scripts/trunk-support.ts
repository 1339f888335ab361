import type { TrunkFile } from '../engine/trunk/file.ts';
import type { TrunkSupport } from '../model/adaptation/adapt-on-trunk.ts';
import { RowCollector, viewsNeeded, writeView } from '../model/adaptation/support-rows.ts';
import type { ImageView } from '../model/adaptation/support-rows.ts';
import { viewPlan } from '../model/adaptation/support-views.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import type { ModelRunner } from '../model/graph/executor.ts';
import { toFloat } from '../model/task/pixels.ts';
import { rowsOf } from '../model/trunk/rows.ts';

/**
 * A support set of decoded images as a checkpoint on a trunk reads it.
 * @param images [n, 3, side, side] of the trunk, planar RGB, 0..1 in steps of 1/255
 * @throws RangeError where a support set of so few is adapted to with crops, which are not made here
 */
export async function trunkSupport(
  { configuration }: Checkpoint,
  trunk: TrunkFile,
  engine: ModelRunner,
  { images, labels }: { readonly images: Float32Array; readonly labels: readonly string[] },
): Promise<TrunkSupport> {
  const { side } = trunk.card;
  const count = labels.length;
  const plan = viewPlan(configuration, { way: new Set(labels).size, support: count });
  if (plan.crops > 0) throw new RangeError(`a task of ${count} images has crops, which are not made here`);
  const collector = new RowCollector(plan, count);
  const bytes = bytesOf(images, count);
  const length = 3 * side ** 2;
  for (const view of viewsNeeded(plan)) {
    const pixels = new Uint8Array(count * length);
    const views = Array.from({ length: count }, (_, image): ImageView => ({ image, view }));
    for (const { image } of views) {
      writeView(bytes[image]!, view, side, pixels.subarray(image * length, (image + 1) * length));
    }
    const given = { data: toFloat(pixels), shape: [count, 3, side, side] };
    collector.add(views, await rowsOf(engine, trunk, configuration.trunk!.taps, given));
  }
  return { labels, rows: collector.rows };
}

/** Images of 0..1, planar, one after another, as bytes, an array each. */
export function bytesOf(images: Float32Array, count: number): Uint8Array[] {
  const bytes = Uint8Array.from(images, (value) => Math.round(255 * value));
  const length = bytes.length / count;
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * length, (i + 1) * length));
}
