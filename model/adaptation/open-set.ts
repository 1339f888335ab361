import {
  add,
  broadcast,
  log,
  matmul,
  multiply,
  relu,
  reshape,
  sigmoid,
  slice,
  subtract,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';

/**
 * Whether an image belongs to one of a task's classes at all. The score is ℓ(x) = log min_c ‖x − μ_c‖², the distance of its
 * features to the nearest class mean; in feature space, since the head's logits lack the term ‖x‖² that all classes
 * share, and with it most of what tells a foreign image (docs/adr/0008-open-set.md). With ℓ normal of equal variance for images
 * that belong and for foreign ones, and both equally frequent, the probability to belong is σ(slope · (midpoint − ℓ)).
 */
export interface OpenSet {
  /** μ [way, f], of the adapted network's features of the support set. */
  readonly means: Float32Array;
  readonly midpoint: number;
  readonly slope: number;
  /** The `known` that nine in ten images of the task's classes are expected to reach (`passing`). */
  readonly threshold: number;
  /** Images of the support set that could be left out of their own class mean: those of classes of two or more. */
  readonly leftOut: number;
}

/** What is known of it beside the exported graph, which has the means. */
export type OpenSetFit = Omit<OpenSet, 'means'>;

export const openSetFit = ({ midpoint, slope, threshold, leftOut }: OpenSet): OpenSetFit => ({
  midpoint,
  slope,
  threshold,
  leftOut,
});

/**
 * What is assumed of ℓ, counted as `weight` images, relative to the mean of ℓ over images whose own class is left out. Measured on
 * validation classes of the checkpoint `photos`: with one image a class it is all that is known.
 */
const prior = {
  /** mean of images that belong */
  known: -0.65,
  /** mean of foreign images: nearer than a left-out class, since one mean more is there to be near to, and since the
   * features were adapted to tell the classes of the support set apart */
  foreign: -0.2,
  deviation: 0.45,
  weight: 10,
};

/** The share of true images that a task's own threshold is to let pass. */
export const passing = 0.9;
/** Standard deviations above the mean of a normal distribution that `passing` of it lie below. */
const passingDeviations = 1.2816;

/** Whether an image is taken for one of no class: its `known` is below what is asked for. */
export const isForeign = (known: number, threshold: number): boolean => known < threshold;

/** Keeps the logarithm finite where an image is its own class mean. */
const smallest = 1e-6;
/** The least difference of the two means: the score keeps its direction whatever the support set says. */
const leastSeparation = 0.1;
/** An image that is there twice says nothing of how near its class others come: no lower than so much below the foreign mean. */
const lowestKnown = -3;

/** Labelled features: [n, f], and n indices of classes, of which every one has an image. */
export interface LabelledFeatures {
  readonly features: Float32Array;
  readonly labels: ArrayLike<number>;
  readonly way: number;
  /** Whether the second half are those of the first's mirror images, which are left out with them. */
  readonly mirrored?: boolean;
}

/**
 * Calibrates on the support set, leaving out one image at a time: from its own class mean for images that belong, with its whole
 * class for foreign ones.
 */
export function calibrateOpenSet(support: LabelledFeatures): OpenSet {
  const { features, labels, way, mirrored = false } = support;
  const count = labels.length;
  const images = mirrored ? count / 2 : count;
  const width = features.length / count;
  const classes = Array.from({ length: count }, (_, i) => labels[i]!);
  const sizes = Array.from({ length: way }, (_, c) => classes.filter((label) => label === c).length);
  const means = classMeans(support, sizes);
  const row = (i: number): Float32Array => features.subarray(i * width, (i + 1) * width);
  const distancesOf = (i: number): number[] =>
    sizes.map((_, c) => squaredDistance(row(i), means.subarray(c * width, (c + 1) * width)));
  const foreign: number[] = [];
  const known: number[] = [];
  classes.slice(0, images).forEach((own, i) => {
    const others = Math.min(...distancesOf(i).filter((_, c) => c !== own));
    foreign.push(score(others));
    const left = mirrored ? [row(i), row(images + i)] : [row(i)];
    const size = sizes[own]!;
    if (size === left.length) return;
    const without = meanWithout(means.subarray(own * width, (own + 1) * width), size, left);
    known.push(score(Math.min(others, squaredDistance(row(i), without))));
  });
  return { means, leftOut: known.length, ...fitted(known, foreign) };
}

/**
 * Midpoint and slope of two normal distributions of one variance, with the prior's images among theirs, and the threshold
 * that `passing` of the first distribution reaches.
 */
function fitted(
  known: readonly number[],
  foreign: readonly number[],
): Pick<OpenSet, 'midpoint' | 'slope' | 'threshold'> {
  const base = total(foreign) / foreign.length;
  const near = known.map((value) => Math.max(value, base + lowestKnown));
  const belongs = (total(near) + prior.weight * (base + prior.known)) / (near.length + prior.weight);
  const strange = base + prior.foreign;
  const priorSquares = prior.weight * prior.deviation ** 2;
  const nearSquares = total(near.map((value) => (value - belongs) ** 2));
  const squares = nearSquares + total(foreign.map((value) => (value - base) ** 2)) + priorSquares;
  const variance = squares / (near.length + foreign.length + prior.weight);
  const midpoint = (belongs + strange) / 2;
  const slope = Math.max(strange - belongs, leastSeparation) / variance;
  const deviation = Math.sqrt((nearSquares + priorSquares) / (near.length + prior.weight));
  const farthest = belongs + passingDeviations * deviation;
  // of two digits, as people write one; down, so that no fewer pass
  const threshold = Math.floor(100 * knownAt(farthest, { midpoint, slope })) / 100;
  return { midpoint, slope, threshold };
}

/** The probability to belong to one of the classes, of a score. */
const knownAt = (value: number, { midpoint, slope }: Pick<OpenSet, 'midpoint' | 'slope'>): number =>
  1 / (1 + Math.exp(slope * (value - midpoint)));

const total = (values: readonly number[]): number => values.reduce((sofar, value) => sofar + value, 0);
const score = (distance: number): number => Math.log(distance + smallest);

function classMeans(
  { features, labels, way }: LabelledFeatures,
  sizes: readonly number[],
): Float32Array<ArrayBuffer> {
  const width = features.length / labels.length;
  const means = new Float32Array(way * width);
  features.forEach((value, at) => {
    const own = labels[Math.floor(at / width)]!;
    means[own * width + (at % width)]! += value / sizes[own]!;
  });
  return means;
}

/** The mean of what remains of `size` rows without those of `left`. */
function meanWithout(mean: Float32Array, size: number, left: readonly Float32Array[]): Float32Array {
  const sum = (f: number): number => left.reduce((sofar, row) => sofar + row[f]!, 0);
  return mean.map((value, f) => (size * value - sum(f)) / (size - left.length));
}

/** ‖a - b‖² of vectors of one length. */
export function squaredDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sofar, value, i) => sofar + (value - b[i]!) ** 2, 0);
}

/** The probability to belong to one of the classes, n of them, of features [n, f]: as the exported graph tells it. */
export function knownOf(
  features: Float32Array,
  { means, ...fit }: Pick<OpenSet, 'means' | 'midpoint' | 'slope'>,
  way: number,
): Float32Array {
  const width = means.length / way;
  return Float32Array.from({ length: features.length / width }, (_, i) => {
    const row = features.subarray(i * width, (i + 1) * width);
    const distances = Array.from({ length: way }, (_, c) =>
      squaredDistance(row, means.subarray(c * width, (c + 1) * width)),
    );
    return knownAt(score(Math.min(...distances)), fit);
  });
}

/** The probability to belong to one of the classes, [n, 1], of features [n, f]: part of the exported graph. */
export function knownProbability(
  features: Tensor,
  { means, midpoint, slope }: Pick<OpenSet, 'means' | 'midpoint' | 'slope'>,
): Tensor {
  const [n, width] = features.shape as [number, number];
  const { graph } = features;
  const way = means.length / width;
  const transposed = Float64Array.from(means, (_, i) => means[(i % way) * width + Math.floor(i / way)]!);
  const norms = Float64Array.from({ length: way }, (_, c) =>
    means.subarray(c * width, (c + 1) * width).reduce((sofar, value) => sofar + value ** 2, 0),
  );
  const products = matmul(features, graph.constant(transposed, [width, way])); // [n, way]
  const own = broadcast(sum(multiply(features, features), [1]), [n, way]);
  const distances = add(
    subtract(own, multiply(products, 2)),
    broadcast(graph.constant(norms, [1, way]), [n, way]),
  );
  // rounding can leave a distance a little below zero
  const logarithm = log(add(relu(rowMinimum(distances)), smallest));
  return sigmoid(multiply(subtract(midpoint, logarithm), slope));
}

/** The least of every row of [n, c], by halves that overlap where c is odd: [n, 1]. */
function rowMinimum(x: Tensor): Tensor {
  const [n, width] = x.shape as [number, number];
  if (width === 1) return reshape(x, [n, 1]);
  const half = Math.ceil(width / 2);
  const left = slice(x, 1, 0, half);
  return rowMinimum(subtract(left, relu(subtract(left, slice(x, 1, width - half, half)))));
}
