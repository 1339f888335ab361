import { arenaBytes } from '../../engine/session-memory.ts';
import { bytesOfViews, multiplyAddsOfSteps, viewsOf } from '../../model/adaptation/cost.ts';
import type { ImagesCheckpoint, LabelledBytes } from '../ports.ts';
import type { AskedWork } from './admission.ts';

/** Compiling an inner step of a regression task, as multiply-adds: running it is nothing beside that. */
const REGRESSION_STEP = 2.5e8;

/**
 * What adapting to a support set is estimated to cost, the inner steps among it; `lanes` jobs compute its
 * planes side by side.
 */
export function workOfImages(
  { cost, views, trunk }: ImagesCheckpoint,
  { support, steps }: { readonly support: readonly LabelledBytes[]; readonly steps: number },
  lanes: number,
): AskedWork & { readonly inner: number } {
  const way = new Set(support.map(({ label }) => label)).size;
  const all = viewsOf(views, { way, support: support.length });
  const planes = all * (trunk?.multiplyAdds ?? 0);
  const inner = multiplyAddsOfSteps(cost, all, steps);
  const bytes = arenaBytes(bytesOfViews(cost, all, steps));
  return { cost: planes + inner, serial: planes / lanes + inner, inner, bytes };
}

/** What adapting to points is estimated to cost. */
export function workOfRegression(steps: number): AskedWork {
  const cost = REGRESSION_STEP * steps;
  return { cost, serial: cost, bytes: 0 };
}
