import { fold, keyFrom } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';
import type { ClassedDomain, ImageClass, Split } from './domain.ts';

export interface SplitFractions {
  readonly val: number;
  readonly test: number;
  /** What is split: the classes (the default), or the images of every class. */
  readonly of?: 'classes' | 'images' | undefined;
}

/** 60 % training, 15 % validation, 25 % test classes. */
export const defaultFractions: SplitFractions = { val: 0.15, test: 0.25 };

/** Images that a part needs to have tasks: one to learn from, one to be asked. */
const leastImages = 2;
/** Classes of a task. */
const leastWays = 2;

/**
 * Splits classes by the order of their names' hashes: deterministic, independent of the order given, with
 * exactly round(fraction * classes) classes in test and val. Names must differ.
 */
export function splitClasses(
  names: readonly string[],
  fractions: SplitFractions = defaultFractions,
): Map<string, Split> {
  const test = Math.round(fractions.test * names.length);
  const val = Math.round(fractions.val * names.length);
  return new Map(
    ranked('class split', names).map((name, rank) => [
      name,
      rank < test ? 'test' : rank < test + val ? 'val' : 'train',
    ]),
  );
}

/**
 * Splits the images of one class by the order of the hashes of their names: every part has at least two images. A class of
 * too few for that is for training alone.
 * @param nameOf what an image is called, wherever its folder lies
 */
export function splitImages<T>(
  images: readonly T[],
  nameOf: (image: T) => string,
  fractions: SplitFractions,
): Map<T, Split> {
  const sizeOf = (fraction: number): number =>
    fraction === 0 ? 0 : Math.max(leastImages, Math.round(fraction * images.length));
  const [test, val] = [sizeOf(fractions.test), sizeOf(fractions.val)];
  const enough = images.length - test - val >= leastImages;
  const byName = new Map(images.map((image) => [nameOf(image), image]));
  return new Map(
    ranked('image split', [...byName.keys()]).map((name, rank) => [
      byName.get(name)!,
      !enough || rank >= test + val ? 'train' : rank < test ? 'test' : 'val',
    ]),
  );
}

/** Who trains on a training class: the stage `classify`, or the tasks of meta-training. */
export type TrainingPart = 'classified' | 'drawn';

/**
 * The domain with the training classes of one part alone, or, where the images of every class are split, with one part of
 * every class's; the other splits stay. A network looks better on what it was taught to tell apart than on others, and what is
 * meta-learned from that trusts it too much. Where too few are left for tasks, these are drawn from all.
 * @param share of the training classes, or of a class's training images, that is classified, 0 to 1; which classes their
 * names' hashes say, of images it is the first ones
 */
export function partOf<D extends ClassedDomain>(domain: D, part: TrainingPart, share: number): D {
  const training = domain.classes.filter(({ split }) => split === 'train');
  const others = domain.classes.filter(({ split }) => split !== 'train');
  const held = new Set(others.map(({ name }) => name));
  const own = training.some(({ name }) => held.has(name))
    ? partOfImages(training, part, share)
    : partOfClasses(training, part, share);
  const able = own.filter(({ count }) => count >= leastImages);
  if (part === 'drawn' && able.length < leastWays) return domain;
  return { ...domain, classes: [...own, ...others] };
}

function partOfClasses(training: readonly ImageClass[], part: TrainingPart, share: number): ImageClass[] {
  const names = training.map(({ name }) => name);
  const classified = new Set(ranked('classified', names).slice(0, Math.round(share * names.length)));
  return training.filter(({ name }) => classified.has(name) === (part === 'classified'));
}

/** Of every class the first images, or the others: what is taken in series has its series mostly in one part. */
const partOfImages = (training: readonly ImageClass[], part: TrainingPart, share: number): ImageClass[] =>
  training.map((own) => {
    const classified = Math.round(share * own.count);
    return part === 'classified'
      ? { ...own, count: classified }
      : { ...own, first: own.first + classified, count: own.count - classified };
  });

/** The first `most` names by their hashes, so that what is left out has no order. */
export const firstByHash = (names: readonly string[], most: number): string[] =>
  ranked('evaluated', names).slice(0, most);

/** Names by the order of their hashes, which `purpose` is part of. */
function ranked(purpose: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, hash: fold(keyFrom(0), purpose, name) }))
    .sort((a, b) => compareKeys(a.hash, b.hash))
    .map(({ name }) => name);
}

function compareKeys(a: Key, b: Key): number {
  return a.high - b.high || a.low - b.low;
}
