import { fold, integer, uniform } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';
import { oneHotTargets } from '../../model/task/labelled-set.ts';
import type { ViewedImages, ViewedTask } from '../../model/task/viewed-task.ts';
import type { ImageMemory, Placed, TaskShape } from '../data/tasks.ts';
import { drawClasses, placedImages } from '../data/tasks.ts';
import type { Split } from '../data/domain.ts';
import type { PlaneReader } from './plane-reader.ts';

/** Which views of a task's images are read. */
export interface TaskViews {
  /** Images are seen together with their mirror images, where the domain has them. */
  readonly mirrored: boolean;
  /** Crops of every support image; fewer where the domain has fewer. */
  readonly crops: number;
  /** A crop stands for the whole image half the time: augmentation, of training tasks. */
  readonly augmented: boolean;
  /** Whether the teacher's features are read, too. */
  readonly taught?: boolean;
}

/** Images with the teacher's features of their views, [rows, f], where these are read. */
export interface SampledImages extends ViewedImages {
  readonly teacher?: Float32Array;
}

/** A task drawn from kept planes. */
export interface SampledRows extends ViewedTask {
  readonly support: SampledImages;
  readonly query: SampledImages;
}

/** Probability that an augmented image is seen in part. */
const partly = 0.5;

/**
 * Draws a task from kept planes, as sampleTask does from pixels: the same key and shape give the same images. A pure
 * function of its arguments and of what is kept.
 * @throws RangeError when the split has too few classes
 */
export function sampleRows(
  key: Key,
  reader: PlaneReader,
  split: Split,
  shape: TaskShape,
  { mirrored, crops, augmented, taught }: TaskViews,
  memory: ImageMemory,
): SampledRows {
  const { views } = reader.domain;
  const drawn = drawClasses(key, reader.domain, split, shape, false);
  const { support, query } = placedImages(key, drawn);
  const firstCrop = 1 + Number(views.mirror);
  const base = mirrored && views.mirror ? [0, 1] : [0];
  const wanted = Array.from({ length: Math.min(crops, views.crops) }, (_, crop) => firstCrop + crop);
  const set = (images: readonly Placed[], seen: readonly number[], own: Key): SampledImages => {
    const rows = memory.take(images.length * seen.length * reader.rowLength);
    const whole = images.map((_, i) => wholeView(fold(own, i), augmented, firstCrop, views.crops));
    const requests = seen.flatMap((view) =>
      images.map(({ image }, i) => ({ image, view: view === 0 ? whole[i]! : view })),
    );
    const teacher = taught ? new Float32Array(requests.length * reader.teacherLength) : undefined;
    reader.rows(requests, rows, 0, teacher);
    const labels = images.map(({ label }) => label);
    return {
      images: rows,
      targets: oneHotTargets(labels, drawn.length),
      count: images.length,
      views: seen.length,
      ...(teacher ? { teacher } : {}),
    };
  };
  return {
    way: drawn.length,
    support: set(support, [...base, ...wanted], fold(key, 'support views')),
    query: set(query, base, fold(key, 'query views')),
  };
}

/** The view that stands for the whole image. */
function wholeView(key: Key, augmented: boolean, firstCrop: number, crops: number): number {
  if (!augmented || crops === 0 || uniform(fold(key, 'partly'), 1)[0]! >= partly) return 0;
  return firstCrop + integer(fold(key, 'crop'), crops);
}
