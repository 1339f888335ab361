import type { LabelledSet, TaskSize } from './labelled-set.ts';

/** A set of images as rows of planes: `views` of each, one view of all images after the other. */
export interface ViewedImages extends LabelledSet {
  readonly views: number;
}

/** A task on a trunk with the query set that the outer objective is measured on. */
export interface ViewedTask {
  readonly way: number;
  readonly support: ViewedImages;
  readonly query: ViewedImages;
}

/** The shape of a task's support set. */
export const viewedSize = ({ way, support: { count, views } }: ViewedTask): TaskSize => ({
  way,
  support: count,
  views,
});

/** The first view of every image: what the encoder reads. */
export const firstViews = ({ images, targets, count, views }: ViewedImages): LabelledSet => ({
  images: images.subarray(0, images.length / views),
  targets,
  count,
});
