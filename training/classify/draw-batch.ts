import { fold, integer, uniform } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';
import type { ImageClass } from '../data/domain.ts';
import { viewsOf } from './samples.ts';
import type { ClassifiedDomain } from './samples.ts';

/** The training classes of all domains as one set, each with its label. */
export interface TrainingClasses {
  /** Of all domains together. */
  readonly count: number;
  readonly domains: readonly TrainingDomain[];
}

interface TrainingDomain {
  readonly classes: readonly ImageClass[];
  /** The label of the first of them; the others follow. */
  readonly firstLabel: number;
  /** How many images precede each class, and then all images. */
  readonly starts: readonly number[];
  readonly views: number;
  /** With which the domain is drawn. */
  readonly weight: number;
}

/** One image of a batch. */
export interface DrawnImage {
  /** Index of its domain. */
  readonly domain: number;
  readonly image: number;
  readonly view: number;
  readonly label: number;
}

/**
 * Labels the training classes of all domains. A domain is drawn with the square root of its number of training images,
 * so that large domains do not drown small ones, times its weight.
 * @param weights of the domains, in their order; 1 where there are none
 * @throws RangeError when a domain has no training class with images
 */
export function trainingClasses(
  domains: readonly ClassifiedDomain[],
  weights: readonly number[] = [],
): TrainingClasses {
  let count = 0;
  const own = domains.map((each, index): TrainingDomain => {
    const { name, classes } = each.domain;
    const training = classes.filter((each) => each.split === 'train' && each.count > 0);
    if (training.length === 0) throw new RangeError(`domain ${name} has no training class`);
    const starts = [0];
    for (const each of training) starts.push(starts.at(-1)! + each.count);
    const firstLabel = count;
    count += training.length;
    return {
      classes: training,
      firstLabel,
      starts,
      views: viewsOf(each),
      weight: (weights[index] ?? 1) * Math.sqrt(starts.at(-1)!),
    };
  });
  return { count, domains: own };
}

/** Draws a batch: a domain by its weight, any of its training images, any of its views. A pure function of the key. */
export function drawBatch(key: Key, { domains }: TrainingClasses, size: number): DrawnImage[] {
  const total = domains.reduce((sum, { weight }) => sum + weight, 0);
  return Array.from({ length: size }, (_, index) => {
    const own = fold(key, index);
    let rest = uniform(fold(own, 'domain'), 1)[0]! * total;
    const found = domains.findIndex(({ weight }) => (rest -= weight) < 0);
    const domain = found === -1 ? domains.length - 1 : found; // where rounding leaves a rest of 0
    return { domain, ...drawImage(own, domains[domain]!) };
  });
}

function drawImage(
  key: Key,
  { classes, firstLabel, starts, views }: TrainingDomain,
): Omit<DrawnImage, 'domain'> {
  const place = integer(fold(key, 'image'), starts.at(-1)!);
  const index = starts.findLastIndex((start) => start <= place);
  return {
    image: classes[index]!.first + place - starts[index]!,
    view: integer(fold(key, 'view'), views),
    label: firstLabel + index,
  };
}

/** One number of the symmetric beta distribution (Jöhnk 1964), of [0, 1]; the acceptance is high for `a` below 1. */
export function drawBeta(key: Key, a: number): number {
  for (let attempt = 0; ; attempt++) {
    const [x, y] = Array.from(uniform(fold(key, attempt), 2), (draw) => draw ** (1 / a)) as [number, number];
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
}
