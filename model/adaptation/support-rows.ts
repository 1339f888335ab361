import type { ViewPlan } from '../task/views.ts';
import { mirrorView, viewsTaken, wholeView } from './support-views.ts';

/** One view, by its number, of one image of a support set, by its place. */
export interface ImageView {
  readonly image: number;
  readonly view: number;
}

/** The rows of every view, [images, P] each, by the view's number; empty where the view is not taken. */
export type ViewRows = readonly Float32Array<ArrayBuffer>[];

/**
 * The views whose rows a support set needs. The mirror images are among them before it is known whether the task is
 * mirrored: the embedding, which says so, is made of rows.
 */
export const viewsNeeded = (plan: ViewPlan): number[] => viewsTaken(plan, true);

/**
 * Writes a view of an image.
 * @param pixels the image, uint8 [1 + crops, 3, side, side] as `wholeAndCrops` gives it: its mirror image is turned here
 * @param into uint8 [3, side, side]
 */
export function writeView(pixels: Uint8Array, view: number, side: number, into: Uint8Array): void {
  const length = 3 * side ** 2;
  const at = view === wholeView || view === mirrorView ? 0 : view - 1;
  into.set(pixels.subarray(at * length, (at + 1) * length));
  if (view !== mirrorView) return;
  for (let row = 0; row < length; row += side) into.subarray(row, row + side).reverse();
}

/** Collects the rows of a support set's views, in whatever order they are computed. */
export class RowCollector {
  readonly #rows: Float32Array<ArrayBuffer>[];
  readonly #images: number;

  constructor(plan: ViewPlan, images: number) {
    const highest = Math.max(...viewsNeeded(plan), mirrorView);
    this.#rows = Array.from({ length: highest + 1 }, () => new Float32Array(0));
    this.#images = images;
  }

  /** @param rows of these views, [views, P] */
  add(views: readonly ImageView[], rows: Float32Array): void {
    const length = rows.length / views.length;
    views.forEach(({ image, view }, i) => {
      if (this.#rows[view]!.length === 0) this.#rows[view] = new Float32Array(this.#images * length);
      this.#rows[view]!.set(rows.subarray(i * length, (i + 1) * length), image * length);
    });
  }

  /** What has been collected. */
  get rows(): ViewRows {
    return this.#rows;
  }
}
