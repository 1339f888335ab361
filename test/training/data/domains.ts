import type { ImageClass, ImageDomain, Split } from '../../../training/data/domain.ts';

/** A domain whose image i has the byte (i + channel) % 256 everywhere; classes of the given numbers of images. */
export function plainDomain(counts: readonly number[], size = 4, split: Split = 'train'): ImageDomain {
  let first = 0;
  const classes = counts.map((count, index): ImageClass => {
    const own = { name: `class ${index}`, split, first, count };
    first += count;
    return own;
  });
  const pixels = new Uint8Array(new SharedArrayBuffer(first * 3 * size * size));
  for (let index = 0; index < pixels.length; index++) {
    const plane = Math.floor(index / (size * size));
    pixels[index] = Math.floor(plane / 3) + (plane % 3);
  }
  return { name: 'plain', size, pixels, classes, fingerprint: 'plain' };
}
