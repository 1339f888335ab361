import type { ViewPlan } from '../task/views.ts';
import { mirrorView, viewsTaken, wholeView } from './support-views.ts';

/** One view, by its number, of one image of a support set, by its place. */
export interface ImageView {
  readonly image: number;
  readonly view: number;
}

/** Rows of the views of a support set. */
export interface ViewRows {
  /** the views by their numbers, in the order of their rows */
  readonly views: readonly number[];
  /** [views, images, P], one view of all images after the other */
  readonly all: Float32Array<ArrayBuffer>;
}

/** The rows [images, P] of one view, where they lie. @throws RangeError when the view is not among them */
export function rowsOfView({ views, all }: ViewRows, view: number): Float32Array<ArrayBuffer> {
  const at = views.indexOf(view);
  if (at < 0) throw new RangeError(`there are no rows of the view ${view}`);
  const length = all.length / views.length;
  return all.subarray(at * length, (at + 1) * length);
}

/** Puts the images of every view in another order, where they lie: first that of `places[0]`. */
export function reorder({ views, all }: ViewRows, places: readonly number[]): void {
  const length = all.length / views.length / places.length;
  const kept = new Float32Array(length);
  for (let view = 0; view < views.length; view++) {
    const first = view * places.length;
    const row = (image: number): Float32Array =>
      all.subarray((first + image) * length, (first + image + 1) * length);
    const moved = new Set<number>();
    for (let start = 0; start < places.length; start++) {
      if (moved.has(start)) continue;
      kept.set(row(start));
      let image = start;
      for (let from = places[image]!; from !== start; from = places[image]!) {
        row(image).set(row(from));
        moved.add(image);
        image = from;
      }
      row(image).set(kept);
      moved.add(image);
    }
  }
}

/** Of rows of all views those of some, in their order: the same memory, whose other rows are given up. */
export function taken({ views, all }: ViewRows, some: readonly number[]): Float32Array<ArrayBuffer> {
  const length = all.length / views.length;
  some.forEach((view, i) => {
    const at = views.indexOf(view);
    if (at < i) throw new RangeError(`the views ${some.join(', ')} are not in the order of their rows`);
    if (at > i) all.copyWithin(i * length, at * length, (at + 1) * length);
  });
  return all.subarray(0, some.length * length);
}

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
  readonly #views: readonly number[];
  readonly #images: number;
  #all = new Float32Array(0);

  constructor(plan: ViewPlan, images: number) {
    this.#views = viewsNeeded(plan);
    this.#images = images;
  }

  /** @param rows of these views, [views, P] */
  add(views: readonly ImageView[], rows: Float32Array): void {
    const length = rows.length / views.length;
    if (this.#all.length === 0) this.#all = new Float32Array(this.#views.length * this.#images * length);
    views.forEach(({ image, view }, i) => {
      const place = this.#views.indexOf(view) * this.#images + image;
      this.#all.set(rows.subarray(i * length, (i + 1) * length), place * length);
    });
  }

  /** What has been collected. */
  get rows(): ViewRows {
    return { views: this.#views, all: this.#all };
  }
}
