import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  choice,
  fold,
  integer,
  keyFrom,
  normal,
  permutation,
  threefry,
  uniform,
} from '../../model/random.ts';
import { keysOf } from '../support/random.ts';

const seeds = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });
const text = (key: object): string => JSON.stringify(key);

describe('threefry', () => {
  // Random123, tests/kat_vectors, lines "threefry2x32 20": counter, key, result
  it.each([
    [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xc4923a9c, 0x483df7a0],
  ])('known answer of counter %i %i, key %i %i', (first, second, high, low, ...expected) => {
    expect(threefry({ high, low }, first, second)).toEqual(expected);
  });
});

describe('keys', () => {
  it('depend on every bit of the seed', () => {
    const keys = [0, 1, -1, 2 ** 32, 2 ** 32 + 1, -(2 ** 32), Number.MAX_SAFE_INTEGER].map(keyFrom).map(text);
    expect(new Set(keys).size).toBe(keys.length);
    expect(() => keyFrom(0.5)).toThrow(RangeError);
    expect(() => fold(keyFrom(0), Number.NaN)).toThrow(RangeError);
  });

  it('fold: children by number differ, of any seed', () => {
    fc.assert(
      fc.property(seeds, fc.nat(40), (seed, n) => {
        expect(new Set(keysOf(keyFrom(seed), n).map(text)).size).toBe(n);
      }),
    );
  });

  it('drawing from one child in any order changes nothing for another', () => {
    const [first, second] = keysOf(keyFrom(7), 2);
    const before = uniform(second!, 3);
    uniform(first!, 100);
    fold(first!, 5);
    expect(uniform(second!, 3)).toEqual(before);
  });

  it('fold: a path of data is a path of folds, and different data give different keys', () => {
    const key = keyFrom(3);
    expect(fold(key, 'task', 7)).toEqual(fold(fold(key, 'task'), 7));
    const different = [
      fold(key),
      fold(key, ''),
      fold(key, 'ab'),
      fold(key, 'a', 'b'),
      fold(key, 'ba'),
      fold(key, 0),
      fold(key, '0'),
      fold(key, 1),
      fold(key, -1),
      fold(key, 2 ** 32),
      fold(key, 2 ** 52),
    ].map(text);
    expect(new Set(different).size).toBe(different.length);
  });
});

describe('numbers', () => {
  it('uniform is in [0, 1), is a prefix of a longer draw, and is flat', () => {
    fc.assert(
      fc.property(seeds, fc.nat(50), (seed, n) => {
        const values = uniform(keyFrom(seed), n);
        expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
        expect(uniform(keyFrom(seed), n + 5).slice(0, n)).toEqual(values);
      }),
    );
    const counts = new Array<number>(10).fill(0);
    for (const value of uniform(keyFrom(11), 100_000)) counts[Math.floor(value * 10)]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(27.9); // 99.9 % quantile of chi-square with 9 degrees of freedom
  });

  it('normal has mean 0, variance 1 and no excess kurtosis', () => {
    const values = normal(keyFrom(5), 100_001);
    const moment = (power: number): number =>
      values.reduce((sum, value) => sum + value ** power, 0) / values.length;
    expect(moment(1)).toBeCloseTo(0, 1.5);
    expect(moment(2)).toBeCloseTo(1, 1.5);
    expect(moment(4)).toBeCloseTo(3, 0.5);
    expect(normal(keyFrom(5), 6).slice(0, 5)).toEqual(normal(keyFrom(5), 5));
  });

  it('integer stays below its bound and reaches every value', () => {
    const seen = new Set(keysOf(keyFrom(1), 200).map((key) => integer(key, 6)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(() => integer(keyFrom(1), 0)).toThrow(RangeError);
    expect(integer(keyFrom(1), 2 ** 32)).toBeLessThan(2 ** 32);
  });
});

describe('orders', () => {
  it('permutation is one', () => {
    fc.assert(
      fc.property(seeds, fc.nat(60), (seed, n) => {
        const order = permutation(keyFrom(seed), n);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, index) => index));
      }),
    );
  });

  it('all orders of three come equally often', () => {
    const counts = new Map<string, number>();
    for (const key of keysOf(keyFrom(2), 12_000)) {
      const order = permutation(key, 3).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(170); // 4 sigma
  });

  it('choice is without replacement and a prefix of the permutation', () => {
    fc.assert(
      fc.property(seeds, fc.nat(60), fc.nat(60), (seed, n, m) => {
        const [size, k] = [Math.max(n, m), Math.min(n, m)];
        expect(choice(keyFrom(seed), size, k)).toEqual(permutation(keyFrom(seed), size).slice(0, k));
      }),
    );
    expect(() => choice(keyFrom(0), 3, 4)).toThrow(RangeError);
  });
});
