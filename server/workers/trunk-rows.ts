import type { JobOptions } from '../../engine/pool-options.ts';
import { RowCollector, viewsNeeded, writeView } from '../../model/adaptation/support-rows.ts';
import type { ImageView, ViewRows } from '../../model/adaptation/support-rows.ts';
import { viewPlan } from '../../model/adaptation/support-views.ts';
import { sliceSize } from '../../model/trunk/planes.ts';
import type { AdaptationReport, AdaptImagesRequest, ImagesCheckpoint, ServedTrunk } from '../ports.ts';
import type { RunJob } from './jobs.ts';

/** Views in one job at most: other requests wait for no more than that. */
const mostViews = 32;

/** What is known of a checkpoint on a trunk. */
export type StandingCheckpoint = Pick<ImagesCheckpoint, 'views'> & { readonly trunk: ServedTrunk };

/** The rows of every view that a support set may be adapted to, computed by `lanes` jobs at a time. */
export async function supportRows(
  run: RunJob,
  { checkpoint, support }: AdaptImagesRequest,
  { trunk, views: possible }: StandingCheckpoint,
  lanes: number,
  { signal, client, admitted = false, onAccepted, onStarted }: JobOptions<AdaptationReport>,
): Promise<ViewRows> {
  const way = new Set(support.map(({ label }) => label)).size;
  const plan = viewPlan(possible, { way, support: support.length });
  const views = viewsNeeded(plan).flatMap((view) => support.map((_, image): ImageView => ({ image, view })));
  const collector = new RowCollector(plan, support.length);
  // jobs of a multiple of what the trunk takes at once compute nothing for nothing
  const size = Math.min(mostViews, sliceSize * Math.ceil(views.length / lanes / sliceSize));
  const waiting = chunks(views, size).entries();
  let failed = false;
  const compute = async (job: number, own: readonly ImageView[]): Promise<Float32Array> => {
    const pixels = pixelsOf(own, support, trunk.side);
    const cost = own.length * trunk.multiplyAdds;
    const asked = { ...(signal && { signal }), ...(client !== undefined && { client }), cost };
    const options = { ...asked, transfer: [pixels.buffer], admitted: admitted || job > 0 };
    const told = job === 0 ? { ...(onAccepted && { onAccepted }), ...(onStarted && { onStarted }) } : {};
    try {
      return await run('planes', { checkpoint, pixels }, { ...options, ...told });
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const lane = async (): Promise<void> => {
    for (const [job, own] of waiting) {
      if (failed) return;
      collector.add(own, await compute(job, own));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return collector.rows;
}

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));

/** The pixels of the views, planar RGB bytes [n, 3, side, side]. */
function pixelsOf(
  views: readonly ImageView[],
  support: AdaptImagesRequest['support'],
  side: number,
): Uint8Array<ArrayBuffer> {
  const length = 3 * side ** 2;
  const pixels = new Uint8Array(views.length * length);
  views.forEach(({ image, view }, i) =>
    writeView(support[image]!.pixels, view, side, pixels.subarray(i * length, (i + 1) * length)),
  );
  return pixels;
}
