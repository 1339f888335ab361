import type { ModelConfiguration } from '../configuration.ts';
import type { Values } from '../graph/programs.ts';
import type { LabelledSet, TaskSize } from '../task/labelled-set.ts';

/**
 * Where a task's embedding says that a class is the same seen in a mirror (it is of photos, it is not of characters), an
 * image is answered together with its mirror image, left to right, and support sets of few images are adapted to with
 * theirs (docs/adr/0015-mirror-images.md).
 */

/** Whether a support set of this size is mirrored, if the task is: a class has at most `mirroring.shots` images in the mean. */
export const mayMirror = (
  { mirroring }: Pick<ModelConfiguration, 'mirroring'>,
  { way, support }: TaskSize,
): boolean => mirroring !== undefined && support <= mirroring.shots * way;

/** Whether the classes of the task of this embedding are taken to be the same in a mirror. */
export function isMirrored(
  { mirroring }: ModelConfiguration,
  parameters: Values,
  embedding: Float32Array,
): boolean {
  if (!mirroring) return false;
  const coefficients = parameters['mirroring']!;
  const score = embedding.reduce(
    (total, z, i) => total + z * coefficients[i]!,
    coefficients[embedding.length]!,
  );
  return score > 0;
}

/** What a task's network is adapted to: the support set, with its mirror images where the task is mirrored and `mayMirror`. */
export const adaptedSet = (
  configuration: ModelConfiguration,
  {
    support,
    size,
    mirrored,
  }: { readonly support: LabelledSet; readonly size: TaskSize; readonly mirrored: boolean },
  take?: (length: number) => Float32Array,
): LabelledSet =>
  mirrored && mayMirror(configuration, size)
    ? withMirrorImages(support, configuration.image.size, take)
    : support;

/** What was computed of a mirrored set's images, a row each, as means of an image's and its mirror image's. */
export const meansOfMirrored = (rows: Float32Array): Float32Array =>
  rows.subarray(0, rows.length / 2).map((x, i) => (x + rows[rows.length / 2 + i]!) / 2);

/** The set followed by the mirror image of each of its images, in memory that `take` gives. */
export function withMirrorImages(
  { images, targets, count }: LabelledSet,
  side: number,
  take = (length: number): Float32Array => new Float32Array(length),
): LabelledSet {
  const both = take(2 * images.length);
  both.set(images);
  for (let row = 0; row < images.length; row += side)
    for (let x = 0; x < side; x++) both[images.length + row + x] = images[row + side - 1 - x]!;
  const labels = new Float32Array(2 * targets.length);
  labels.set(targets);
  labels.set(targets, targets.length);
  return { images: both, targets: labels, count: 2 * count, mirrored: true };
}
