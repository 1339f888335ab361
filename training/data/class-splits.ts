import { fold, keyFrom } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';
import type { Split } from './domain.ts';

export interface SplitFractions {
  readonly val: number;
  readonly test: number;
}

/** 60 % training, 15 % validation, 25 % test classes. */
export const defaultFractions: SplitFractions = { val: 0.15, test: 0.25 };

/**
 * Splits classes by the order of their names' hashes: deterministic, independent of the order given, with
 * exactly round(fraction * classes) classes in test and val. Names must differ.
 */
export function splitClasses(names: readonly string[], fractions = defaultFractions): Map<string, Split> {
  const ranked = names
    .map((name) => ({ name, hash: fold(keyFrom(0), 'class split', name) }))
    .sort((a, b) => compareKeys(a.hash, b.hash));
  const test = Math.round(fractions.test * ranked.length);
  const val = Math.round(fractions.val * ranked.length);
  return new Map(
    ranked.map(({ name }, rank) => [name, rank < test ? 'test' : rank < test + val ? 'val' : 'train']),
  );
}

function compareKeys(a: Key, b: Key): number {
  return a.high - b.high || a.low - b.low;
}
