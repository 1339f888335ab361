import type { JobOptions } from '../../engine/pool-options.ts';
import { sliceSize } from '../../engine/trunk/planes.ts';
import { mirrorView, viewPlan } from '../../model/adaptation/support-views.ts';
import type { AdaptationReport, AdaptImagesRequest, ImagesCheckpoint, ServedTrunk } from '../ports.ts';
import type { RunJob } from './jobs.ts';

/** Views in one job at most: other requests wait for no more than that. */
const mostViews = 32;

/** What is known of a checkpoint on a trunk. */
export type StandingCheckpoint = Pick<ImagesCheckpoint, 'views'> & { readonly trunk: ServedTrunk };

/** One view of one image of a support set. */
interface Piece {
  readonly image: number;
  readonly view: number;
}

/**
 * The rows of every view that a support set may be adapted to, [images, P] each, by the view's number: computed by
 * `lanes` jobs at a time. The mirror images are among them before it is known whether the task is mirrored: knowing it
 * takes a job that all others would wait for.
 */
export async function supportRows(
  run: RunJob,
  { checkpoint, support }: AdaptImagesRequest,
  { trunk, views: possible }: StandingCheckpoint,
  lanes: number,
  { signal, client, onAccepted, onStarted }: JobOptions<AdaptationReport>,
): Promise<Float32Array<ArrayBuffer>[]> {
  const way = new Set(support.map(({ label }) => label)).size;
  const plan = viewPlan(possible, { way, support: support.length });
  const views = 2 + plan.crops;
  const pieces = Array.from({ length: views }, (_, view) => view)
    .filter((view) => view !== mirrorView || plan.mirror)
    .flatMap((view) => support.map((_, image): Piece => ({ image, view })));
  const rows = Array.from({ length: views }, () => new Float32Array(0));
  // jobs of a multiple of what the trunk takes at once compute nothing for nothing
  const size = Math.min(mostViews, sliceSize * Math.ceil(pieces.length / lanes / sliceSize));
  const waiting = chunks(pieces, size).entries();
  let failed = false;
  const compute = async (job: number, own: readonly Piece[]): Promise<Float32Array> => {
    const pixels = pixelsOf(own, support, trunk.side);
    const cost = own.length * trunk.multiplyAdds;
    const asked = { ...(signal && { signal }), ...(client !== undefined && { client }), cost };
    const options = { ...asked, transfer: [pixels.buffer], admitted: job > 0 };
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
      const made = await compute(job, own);
      const length = made.length / own.length;
      own.forEach(({ image, view }, i) => {
        if (rows[view]!.length === 0) rows[view] = new Float32Array(support.length * length);
        rows[view]!.set(made.subarray(i * length, (i + 1) * length), image * length);
      });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return rows;
}

const chunks = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));

/** The pixels of the pieces, planar RGB bytes [n, 3, side, side]. */
function pixelsOf(
  pieces: readonly Piece[],
  support: AdaptImagesRequest['support'],
  side: number,
): Uint8Array<ArrayBuffer> {
  const length = 3 * side ** 2;
  const pixels = new Uint8Array(pieces.length * length);
  pieces.forEach(({ image, view }, i) => {
    // an image has its whole and its crops: the mirror image is turned here
    const at = view === 0 || view === mirrorView ? 0 : view - 1;
    const own = support[image]!.pixels.subarray(at * length, (at + 1) * length);
    const into = pixels.subarray(i * length, (i + 1) * length);
    into.set(own);
    if (view === mirrorView)
      for (let row = 0; row < length; row += side) into.subarray(row, row + side).reverse();
  });
  return pixels;
}
