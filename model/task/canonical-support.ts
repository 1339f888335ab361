/** An image of a support set: its class and its pixels [3, s, s], RGB in 0..1. */
export interface LabelledImage {
  readonly label: string;
  readonly pixels: Float32Array;
}

/** A support set in an order that depends on the pixels alone. */
export interface CanonicalSupport<T extends LabelledImage = LabelledImage> {
  /** Class names; position = index in `classes` of the images. */
  readonly classes: readonly string[];
  readonly images: readonly T[];
}

/** Two 32-bit multiplicative hashes of 32-bit words (as in murmur3's mixing): 64 bits. */
export function wordsHash(words: Iterable<number>): readonly [number, number] {
  let [a, b] = [0x9e3779b9, 0x85ebca6b];
  for (const word of words) {
    a = Math.imul(a ^ word, 0xcc9e2d51);
    a ^= a >>> 15;
    b = Math.imul(b + word, 0x1b873593);
    b ^= b >>> 13;
  }
  return [a >>> 0, b >>> 0];
}

/** Of the pixels' bits; ties are decided by the pixels. */
const contentHash = (pixels: Float32Array): readonly [number, number] =>
  wordsHash(new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length));

function comparePixels(a: Float32Array, b: Float32Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return 0;
}

interface Keyed<T extends LabelledImage = LabelledImage> {
  readonly image: T;
  readonly hash: readonly [number, number];
}

const compareKeyed = (x: Keyed, y: Keyed): number =>
  x.hash[0] - y.hash[0] || x.hash[1] - y.hash[1] || comparePixels(x.image.pixels, y.image.pixels);

function compareLists(a: readonly Keyed[], b: readonly Keyed[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareKeyed(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Order by code point (UTF-16's own order differs above U+FFFF). */
export const byCodePoint = (a: string, b: string): number => {
  if (a === b) return 0;
  const [x, y] = [Array.from(a, (c) => c.codePointAt(0)!), Array.from(b, (c) => c.codePointAt(0)!)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return x.length - y.length;
};

/**
 * Orders images by a hash of their content and classes by their images, so that everything computed from the result
 * is the same, to the bit, for any order of the images and any names of the classes. Only classes with identical
 * images are told apart by name. A task's id is made of another order, by SHA-256 (server/tasks/identity.ts).
 */
export function canonicalSupport<T extends LabelledImage>(support: readonly T[]): CanonicalSupport<T> {
  const keyed = support.map((image): Keyed<T> => ({ image, hash: contentHash(image.pixels) }));
  keyed.sort((x, y) => compareKeyed(x, y) || byCodePoint(x.image.label, y.image.label));
  const classes = [...new Set(support.map(({ label }) => label))].sort(byCodePoint);
  const own = new Map(classes.map((label) => [label, keyed.filter(({ image }) => image.label === label)]));
  const ordered = classes.sort((a, b) => compareLists(own.get(a)!, own.get(b)!));
  return { classes: ordered, images: keyed.map(({ image }) => image) };
}
