import { squaredDistance } from '../../model/adaptation/open-set.ts';
import type { LabelledImages, Task } from './tasks.ts';

/**
 * Floors that any learned model must beat: nearest class mean (Euclidean) of features without learning.
 * pixels: the image at 16 x 16, its mean removed, at unit length (so brightness and contrast do not count).
 * colours: square roots of a histogram of 4 x 4 x 4 bins over red, green and blue (Hellinger distance), which
 * is the stronger floor on photos: more than the plain histogram on bird, aircraft, texture, dtd and grocery.
 */
export type FloorName = 'pixels' | 'colours';

/** A feature of one image [3, size, size], 0..1. */
type Feature = (image: Float32Array, size: number) => Float32Array;

const features: Readonly<Record<FloorName, Feature>> = { pixels: smallImage, colours: colourHistogram };

/** Accuracy, 0..1, of a floor on the query images of a task. Throws RangeError without query images. */
export function floorAccuracy(task: Task, floor: FloorName): number {
  if (task.query.labels.length === 0) throw new RangeError('a task without query images has no accuracy');
  const means = classMeans(
    featuresOf(task.support, task.size, floor),
    task.support.labels,
    task.classes.length,
  );
  const right = featuresOf(task.query, task.size, floor).filter(
    (feature, index) => nearest(feature, means) === task.query.labels[index],
  );
  return right.length / task.query.labels.length;
}

function featuresOf({ images, labels }: LabelledImages, size: number, floor: FloorName): Float32Array[] {
  const length = 3 * size * size;
  return Array.from(labels, (_, index) =>
    features[floor](images.subarray(index * length, (index + 1) * length), size),
  );
}

function classMeans(vectors: readonly Float32Array[], labels: Int32Array, ways: number): Float32Array[] {
  return Array.from({ length: ways }, (_, label) => {
    const own = vectors.filter((_, index) => labels[index] === label);
    return Float32Array.from(
      own[0]!,
      (_, at) => own.reduce((sum, vector) => sum + vector[at]!, 0) / own.length,
    );
  });
}

function nearest(vector: Float32Array, means: readonly Float32Array[]): number {
  const distances = means.map((mean) => squaredDistance(vector, mean));
  return distances.indexOf(Math.min(...distances));
}

const smallSide = 16;

/**
 * Means over a 16 x 16 grid where every pixel belongs to one cell, standardised: [3, 16, 16]. Of an image
 * smaller than the grid some cells stay empty (0), the same ones in every image.
 */
function smallImage(image: Float32Array, size: number): Float32Array {
  const cellOf = Int32Array.from({ length: size }, (_, place) => Math.floor((place * smallSide) / size));
  const sums = new Float32Array(3 * smallSide * smallSide);
  const counts = new Float32Array(sums.length);
  let at = 0;
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < size; y++) {
      const row = (channel * smallSide + cellOf[y]!) * smallSide;
      for (let x = 0; x < size; x++) {
        const cell = row + cellOf[x]!;
        sums[cell]! += image[at++]!;
        counts[cell]!++;
      }
    }
  }
  return standardised(sums.map((sum, cell) => sum / Math.max(1, counts[cell]!)));
}

/** Zero mean, unit length; a constant vector becomes zeros. */
function standardised(vector: Float32Array): Float32Array {
  const mean = vector.reduce((sum, value) => sum + value, 0) / vector.length;
  const length = Math.sqrt(vector.reduce((sum, value) => sum + (value - mean) ** 2, 0));
  return vector.map((value) => (length > 1e-6 ? (value - mean) / length : 0));
}

/** Square roots of the shares of pixels in 64 bins of equal width: a vector of unit length. */
function colourHistogram(image: Float32Array, size: number): Float32Array {
  const area = size * size;
  const bin = (value: number): number => Math.min(3, Math.floor(4 * value));
  const histogram = new Float32Array(64);
  for (let pixel = 0; pixel < area; pixel++) {
    const red = bin(image[pixel]!);
    const green = bin(image[area + pixel]!);
    const blue = bin(image[2 * area + pixel]!);
    histogram[16 * red + 4 * green + blue]! += 1 / area;
  }
  return histogram.map(Math.sqrt);
}
