import { randomArray } from './random.ts';

/** One-hot targets [n, way], row-major, of so many images a class. */
export function oneHot(sizes: readonly number[]): Float64Array {
  return Float64Array.from(
    sizes.flatMap((size, label) =>
      Array.from({ length: size }, () => sizes.map((_, i) => Number(i === label))).flat(),
    ),
  );
}

/** Rows of length 1 around one random direction a class, row-major: what normalised features look like. */
export function unitFeatures(sizes: readonly number[], f: number, seed: number): Float64Array {
  const centres = sizes.map((_, label) => randomArray(f, seed + 1000 * label));
  const rows = sizes.flatMap((size, label) =>
    Array.from({ length: size }, (_, i) => {
      const noise = randomArray(f, seed + 1000 * label + i + 1);
      const row = noise.map((value, j) => value + 0.6 * centres[label]![j]!);
      const length = Math.hypot(...row);
      return row.map((value) => value / length);
    }),
  );
  return Float64Array.from(rows.flatMap((row) => [...row]));
}
