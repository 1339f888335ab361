import { fold } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';
import { drawBatch, drawBeta } from './draw-batch.ts';
import type { TrainingClasses } from './draw-batch.ts';
import type { SampleReader } from './samples.ts';

/** A batch as it is trained on: images and targets are mixtures of two each (mixup, Zhang et al. 2018). */
export interface ClassBatch {
  /** float32 [n, rowLength]: rows of planes, or pixels. */
  readonly images: Float32Array;
  /** float32 [n, classes]: shares of the classes, which sum to 1. */
  readonly targets: Float32Array;
  /** float32 [n, teacherLength]: the teacher's features. */
  readonly teacher: Float32Array;
}

export interface BatchOptions {
  readonly size: number;
  /** a of the beta distribution that the share of each image's own is drawn from; 0: images are not mixed. */
  readonly mixup: number;
  /** Part of a target that all classes share alike, 0 to below 1. */
  readonly smoothing: number;
}

/** Reads a batch of the domains of the readers, in their order: a pure function of the key and what is kept. */
export function readBatch(
  key: Key,
  classes: TrainingClasses,
  readers: readonly SampleReader[],
  { size, mixup, smoothing }: BatchOptions,
): ClassBatch {
  const drawn = drawBatch(fold(key, 'images'), classes, size);
  const { rowLength, teacherLength } = readers[0]!;
  const images = new Float32Array(size * rowLength);
  const teacher = new Float32Array(size * teacherLength);
  drawn.forEach(({ domain, image, view }, index) => {
    const features = teacher.subarray(index * teacherLength, (index + 1) * teacherLength);
    readers[domain]!.read({ image, view }, fold(key, 'sample', index), images, index * rowLength, features);
  });
  const targets = new Float32Array(size * classes.count).fill(smoothing / classes.count);
  drawn.forEach(({ label }, index) => (targets[index * classes.count + label]! += 1 - smoothing));
  if (mixup > 0) {
    const share = drawBeta(fold(key, 'mixup'), mixup);
    for (const values of [images, teacher, targets]) mixWithNext(values, size, share);
  }
  return { images, targets, teacher };
}

/** Each of `count` vectors becomes `share` of itself and the rest of the next one's; the last one's next is the first. */
function mixWithNext(values: Float32Array, count: number, share: number): void {
  const length = values.length / count;
  const first = values.slice(0, length);
  for (let index = 0; index < count; index++) {
    const start = index * length;
    const next = index + 1 < count ? values.subarray(start + length, start + 2 * length) : first;
    for (let at = 0; at < length; at++)
      values[start + at] = share * values[start + at]! + (1 - share) * next[at]!;
  }
}
