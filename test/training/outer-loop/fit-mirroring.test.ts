import { describe, expect, it } from 'vitest';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import { isMirrored } from '../../../model/adaptation/mirror-images.ts';
import { fold, keyFrom, normal } from '../../../model/random.ts';
import { fitMirroring } from '../../../training/outer-loop/fit-mirroring.ts';
import type { EmbeddedTask } from '../../../training/outer-loop/fit-mirroring.ts';

const key = keyFrom(11);
const mirrors = parseModelConfiguration({ mirroring: { shots: 1 } });

/** Embeddings around two centres; dimension 1 does not move, and dimension 2 is of another scale. */
function tasksOf(symmetric: boolean, count: number, part: string): EmbeddedTask[] {
  return Array.from({ length: count }, (_, i) => {
    const [a, b] = normal(fold(key, part, Number(symmetric), i), 2);
    return {
      symmetric,
      domain: 0,
      embedding: Float32Array.of((symmetric ? 1 : -1) + 0.4 * a!, 0.3, 100 + 20 * b!),
    };
  });
}

describe('fitMirroring', () => {
  it('tells new tasks apart, also where one kind is rare', () => {
    const mirroring = fitMirroring([...tasksOf(true, 200, 'train'), ...tasksOf(false, 20, 'train')]);
    const right = [...tasksOf(true, 100, 'test'), ...tasksOf(false, 100, 'test')].filter(
      ({ embedding, symmetric }) => isMirrored(mirrors, { mirroring }, embedding) === symmetric,
    );
    expect(right.length).toBeGreaterThan(190);
  });

  it('has as its minimum no gradient left, in float64 by differences', () => {
    const tasks = [...tasksOf(true, 30, 'train'), ...tasksOf(false, 30, 'train')];
    const fitted = fitMirroring(tasks);
    const width = 3;
    const means = [0, 1, 2].map((i) => tasks.reduce((s, t) => s + t.embedding[i]!, 0) / tasks.length);
    const deviations = means.map((mean, i) =>
      Math.max(
        1e-6,
        Math.sqrt(tasks.reduce((s, t) => s + (t.embedding[i]! - mean) ** 2, 0) / (tasks.length - 1)),
      ),
    );
    const loss = (standardised: readonly number[]): number =>
      tasks.reduce((total, { embedding, symmetric }) => {
        const score = means.reduce(
          (s, mean, i) => s + (standardised[i]! * (embedding[i]! - mean)) / deviations[i]!,
          standardised[width]!,
        );
        return total + Math.log(1 + Math.exp(symmetric ? -score : score)) / tasks.length;
      }, 0) +
      0.005 * standardised.reduce((s, x) => s + x * x, 0);
    const at = [0, 1, 2].map((i) => fitted[i]! * deviations[i]!);
    at.push(fitted[width]! + means.reduce((s, mean, i) => s + fitted[i]! * mean, 0));
    for (const i of at.keys()) {
      const moved = (h: number) => loss(at.map((x, j) => (i === j ? x + h : x)));
      expect((moved(1e-4) - moved(-1e-4)) / 2e-4, `coefficient ${i}`).toBeCloseTo(0, 4);
    }
  });

  it('says what all tasks are where they are all of one kind, and needs some', () => {
    for (const symmetric of [true, false]) {
      const mirroring = fitMirroring(tasksOf(symmetric, 3, 'train'));
      expect(isMirrored(mirrors, { mirroring }, Float32Array.of(0, 0, 0))).toBe(symmetric);
    }
    expect(() => fitMirroring([])).toThrow(RangeError);
  });
});
