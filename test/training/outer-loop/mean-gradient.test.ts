import { describe, expect, it } from 'vitest';
import { meanOfSum, subtreesOf, sumAlongTree } from '../../../training/outer-loop/mean-gradient.ts';
import { faultOf } from '../../../training/outer-loop/meta-batch.ts';
import { testRandom } from '../../support/random.ts';

/** Vectors whose sum depends on its order in single precision: sizes differ by orders of magnitude. */
function unlikeVectors(count: number): Float32Array[] {
  const random = testRandom(7);
  return Array.from({ length: count }, () =>
    Float32Array.from({ length: 37 }, () => random() * 10 ** (4 * random())),
  );
}

const copies = (vectors: readonly Float32Array[]): Float32Array[] => vectors.map((vector) => vector.slice());

describe('the sum of a meta-batch along a tree', () => {
  it.each([1, 2, 3, 5, 6, 7, 8, 13, 16])(
    'has the same bits for %i tasks, whole or of subtrees of any size',
    (tasks) => {
      const vectors = unlikeVectors(tasks);
      const whole = sumAlongTree(copies(vectors), { first: 0, count: tasks }).slice();
      for (const size of [1, 2, 4, 8, 16]) {
        const parts = copies(vectors);
        // in any order, each on a machine of its own, which has no others' vectors
        const sums = subtreesOf(tasks, size)
          .toReversed()
          .map((range) => ({ range, sum: sumAlongTree(copies(vectors), range).slice() }));
        for (const { range, sum } of sums) parts[range.first] = sum;
        expect(sumAlongTree(parts, { first: 0, count: tasks }, size)).toEqual(whole);
      }
    },
  );

  it('adds neighbours first', () => {
    const [a, b, c] = [Float32Array.of(2 ** 24), Float32Array.of(1), Float32Array.of(1)];
    // (2²⁴ + 1) is 2²⁴ in single precision, (1 + 1) is not lost
    expect(sumAlongTree([a.slice(), b, c], { first: 0, count: 3 })[0]).toBe(2 ** 24);
    expect(sumAlongTree([b.slice(), c, a.slice()], { first: 0, count: 3 })[0]).toBe(2 ** 24 + 2);
  });

  it('cuts a tree into subtrees that cover it', () => {
    expect(subtreesOf(7, 4)).toEqual([
      { first: 0, count: 4 },
      { first: 4, count: 3 },
    ]);
    expect(subtreesOf(2, 8)).toEqual([{ first: 0, count: 2 }]);
  });

  it('gives a mean that is clipped', () => {
    const sum = Float32Array.of(6, 8);
    expect(meanOfSum(sum, { tasks: 2, clip: 10 })).toEqual({ vector: sum, scale: 0.5, norm: 5 });
    expect(meanOfSum(sum, { tasks: 2, clip: 1 })).toEqual({ vector: sum, scale: 0.1, norm: 5 });
  });

  it('tells the task whose gradient is not finite, though the sum is of all', () => {
    const results = [true, true, false].map((finite, i) => ({ loss: 1, finite, domain: `d${i}` }));
    expect(faultOf(results, Number.NaN)).toEqual({ task: 'task 2 (d2)', values: 'loss 1' });
    expect(faultOf(results.slice(0, 2), 1)).toBeNull();
  });
});
