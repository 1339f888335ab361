import { fold } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';

/** A small deterministic generator for tests (mulberry32): uniform in [-1, 1). */
export function testRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

export const randomArray = (length: number, seed: number): Float64Array => {
  const next = testRandom(seed);
  return Float64Array.from({ length }, next);
};

/** n keys of their own; the i-th does not depend on n. */
export const keysOf = (key: Key, n: number): Key[] => Array.from({ length: n }, (_, i) => fold(key, i));
