import { describe, expect, it } from 'vitest';
import {
  byFrequency,
  countsOf,
  differences,
  intervalOf,
  meanOfIntervals,
  tallied,
} from '../../../training/report/statistics.ts';

describe('intervals', () => {
  it('of a mean have 1.96 standard errors to each side, with n - 1 in the variance', () => {
    const { mean, half } = intervalOf([1, 2, 3, 4]);
    expect(mean).toBe(2.5);
    expect(half).toBeCloseTo(1.96 * Math.sqrt(5 / 3 / 4), 12);
    expect(intervalOf([7])).toEqual({ mean: 7, half: 0 });
  });

  it('of paired differences leave out what all tasks share', () => {
    expect(intervalOf(differences([1, 5, 9], [0, 4, 8]))).toEqual({ mean: 1, half: 0 });
  });

  it('of independent means are averaged, their errors as squares', () => {
    const joined = meanOfIntervals([
      { mean: 1, half: 3 },
      { mean: 3, half: 4 },
    ]);
    expect(joined).toEqual({ mean: 2, half: 2.5 });
  });
});

describe('counts', () => {
  it('are in the order of first occurrence', () => {
    expect(Object.entries(countsOf(['b', 'a', 'b']))).toEqual([
      ['b', 2],
      ['a', 1],
    ]);
  });

  it('by frequency are decided by the key where they are equal', () => {
    const sorted = byFrequency([{ k: 'c' }, { k: 'b' }, { k: 'a' }, { k: 'c' }], ({ k }) => k);
    expect(sorted.map(({ key, count }) => [key, count])).toEqual([
      ['c', 2],
      ['a', 1],
      ['b', 1],
    ]);
  });

  it('of several groups have a number for each, also where a key does not occur', () => {
    expect(
      tallied([
        { x: 1, y: 2 },
        { x: 3, z: 2 },
      ]),
    ).toEqual([
      { key: 'x', counts: [1, 3], total: 4 },
      { key: 'y', counts: [2, 0], total: 2 },
      { key: 'z', counts: [0, 2], total: 2 },
    ]);
  });
});
