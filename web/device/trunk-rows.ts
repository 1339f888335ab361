import { RowCollector, viewsNeeded, writeView } from '../../model/adaptation/support-rows.ts';
import type { ImageView, ViewRows } from '../../model/adaptation/support-rows.ts';
import { viewPlan } from '../../model/adaptation/support-views.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import type { ModelRunner } from '../../model/graph/executor.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { toFloat } from '../../model/task/pixels.ts';
import { sliceSize } from '../../model/trunk/planes.ts';
import type { Trunk } from '../../model/trunk/planes.ts';
import { rowsOf } from '../../model/trunk/rows.ts';

/** What a support set is adapted to: labels, and how the pixels of each image are had. */
export interface DeviceSupport {
  /** the class of every image */
  readonly labels: readonly string[];
  /** the image of that place, uint8 [1 + crops, 3, side, side] of the trunk's side as `wholeAndCrops` gives it */
  readonly pixels: (image: number, crops: number) => Promise<Uint8Array>;
  /** told how many images have gone through the trunk with all their views */
  readonly ready?: (images: number) => void;
}

/**
 * Compiles the trunk and runs it once, so that the first image does not wait for it.
 * @throws what `rowsOf` throws
 */
export async function warmTrunk(
  models: ModelRunner,
  trunk: Trunk,
  { trunk: read }: ModelConfiguration,
): Promise<void> {
  const shape = [1, 3, trunk.card.side, trunk.card.side];
  await rowsOf(models, trunk, read!.taps, { data: new Float32Array(sizeOf(shape)), shape });
}

/**
 * The rows of every view that a support set may be adapted to. One image after the other is asked for, and its pixels are let
 * go of as soon as its views have gone through the trunk, a full slice of views at a time.
 * @throws what `pixels` and `rowsOf` throw
 */
export async function supportRows(
  models: ModelRunner,
  trunk: Trunk,
  configuration: ModelConfiguration,
  { labels, pixels, ready = () => undefined }: DeviceSupport,
): Promise<ViewRows> {
  const plan = viewPlan(configuration, { way: new Set(labels).size, support: labels.length });
  const collector = new RowCollector(plan, labels.length);
  const { side } = trunk.card;
  const length = 3 * side ** 2;
  const slice = new Uint8Array(sliceSize * length);
  let waiting: ImageView[] = [];
  const compute = async (): Promise<void> => {
    const images = toFloat(slice.subarray(0, waiting.length * length));
    const shape = [waiting.length, 3, side, side];
    const { taps } = configuration.trunk!;
    collector.add(waiting, await rowsOf(models, trunk, taps, { data: images, shape }));
    waiting = [];
  };
  for (const image of labels.keys()) {
    ready(Math.max(0, image - Math.ceil(waiting.length / viewsNeeded(plan).length)));
    const own = await pixels(image, plan.crops);
    for (const view of viewsNeeded(plan)) {
      const at = waiting.length * length;
      writeView(own, view, side, slice.subarray(at, at + length));
      if (waiting.push({ image, view }) === sliceSize) await compute();
    }
  }
  if (waiting.length > 0) await compute();
  ready(labels.length);
  return collector.rows;
}
