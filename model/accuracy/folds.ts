import { wordsHash } from '../task/canonical-support.ts';

/** Adaptations that an estimate costs at most. */
const mostFolds = 5;

/** Bytes of a file that its order is made of. */
const mostBytes = 65_536;

/**
 * Where a file stands among others, for folds that do not depend on the order in which files are given: a hash of its length
 * and of bytes spread evenly over it, as a text to sort by. Of the file and not of its pixels, since decoders differ.
 */
export function fileOrder(bytes: Uint8Array): string {
  const count = Math.min(bytes.length, mostBytes);
  const spread = Array.from({ length: count }, (_, i) => bytes[Math.floor((i * bytes.length) / count)]!);
  return wordsHash([bytes.length, ...spread])
    .map((word) => word.toString(16).padStart(8, '0'))
    .join('');
}

export interface Fold<T> {
  readonly support: readonly T[];
  readonly left: readonly T[];
}

/**
 * A support set in folds by position: the i-th image of every class is left out in fold i mod K, K being the largest
 * number of images of a class, at most five. So every image of a class of two or more is left out just once, and
 * every class keeps an image in every fold; the only image of a class is never left out. With up to five images a class this
 * leaves out one image of each class at a time. None, where no class has two images.
 */
export function foldsOf<T extends { readonly label: string }>(images: readonly T[]): readonly Fold<T>[] {
  const sizes = new Map<string, number>();
  const placed = images.map((image) => {
    const position = sizes.get(image.label) ?? 0;
    sizes.set(image.label, position + 1);
    return { image, position };
  });
  const count = Math.min(mostFolds, Math.max(...sizes.values()));
  if (count < 2) return [];
  return Array.from({ length: count }, (_, fold) => {
    const isLeft = ({ image, position }: (typeof placed)[number]) =>
      position % count === fold && sizes.get(image.label)! > 1;
    return {
      support: placed.filter((one) => !isLeft(one)).map(({ image }) => image),
      left: placed.filter(isLeft).map(({ image }) => image),
    };
  });
}
