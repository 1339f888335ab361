import type { ImageDomain, Split } from '../../training/data/domain.ts';
import { testRandom } from './random.ts';

/** Classes of noisy coloured stripes: enough structure to learn from, nothing to download. */
export function syntheticDomain(name: string, size: number, classesPerSplit = 4, images = 8): ImageDomain {
  const splits: readonly Split[] = ['train', 'val', 'test'];
  const classes = splits.flatMap((split, s) =>
    Array.from({ length: classesPerSplit }, (_, c) => ({
      name: `${split}${c}`,
      split,
      first: (s * classesPerSplit + c) * images,
      count: images,
    })),
  );
  const pixels = new Uint8Array(new SharedArrayBuffer(classes.length * images * 3 * size * size));
  const next = testRandom(17);
  for (const { first, count } of classes) {
    const [frequency, ...colours] = [1 + 3 * Math.abs(next()), next(), next(), next()] as const;
    for (let i = first * 3 * size * size; i < (first + count) * 3 * size * size; i++) {
      const [column, channel] = [i % size, Math.floor(i / size ** 2) % 3];
      const wave = Math.sin((column * frequency * Math.PI) / size) * colours[channel]!;
      pixels[i] = Math.round(127 + 90 * wave + 30 * next());
    }
  }
  return { name, size, pixels, classes, fingerprint: `synthetic ${name} ${size}` };
}
