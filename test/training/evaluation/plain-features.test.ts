import { describe, expect, it } from 'vitest';
import { plainHeads, plainRight } from '../../../training/evaluation/plain-features.ts';
import type { PlainSet } from '../../../training/evaluation/plain-features.ts';
import { testRandom } from '../../support/random.ts';

const way = 3;

/** Images of three classes: a direction of its own each, and `nuisance` of one direction that no class has. */
function drawn(count: number, nuisance: number, noise: number, seed: number): PlainSet {
  const random = testRandom(seed);
  const labels = Array.from({ length: count }, (_, i) => i % way);
  const features = labels.flatMap((label) => {
    const common = nuisance * (2 * random() - 1);
    return Array.from(
      { length: 8 },
      (_, f) => Number(f === label) + (f === 5 ? common : 0) + noise * (random() - 0.5),
    );
  });
  return { features: Float32Array.from(features), labels };
}

describe('heads on plain features', () => {
  it('tell classes apart that lie apart', () => {
    const right = plainRight(way, drawn(15, 0, 0.2, 1), drawn(60, 0, 0.2, 2));
    expect(right).toEqual(Object.fromEntries(plainHeads.map((head) => [head, 60])));
  });

  it('guess where features say nothing', () => {
    const support = drawn(15, 0, 0, 1);
    const blind = { ...support, features: support.features.map(() => 1) };
    for (const count of Object.values(
      plainRight(way, blind, { ...drawn(60, 0, 0, 2), features: new Float32Array(480).fill(1) }),
    ))
      expect(count).toBe(20);
  });

  it('ridge and logistic regression see past a direction that all classes share, class means do not', () => {
    const right = plainRight(way, drawn(12, 4, 0.1, 3), drawn(300, 4, 0.1, 4));
    expect(right.means).toBeLessThan(260);
    expect(right['ridge 0.1']).toBeGreaterThan(right.means + 20);
    expect(right['logistic 10']).toBeGreaterThan(right.means + 20);
  });

  it('do not depend on the order of the support set, nor on the scale of the features', () => {
    const [support, query] = [drawn(12, 2, 1, 5), drawn(90, 2, 1, 6)];
    const order = Array.from({ length: 12 }, (_, i) => 11 - i);
    const turned = {
      labels: order.map((i) => support.labels[i]!),
      features: Float32Array.from(order.flatMap((i) => [...support.features.subarray(8 * i, 8 * i + 8)])),
    };
    const scaled = (set: PlainSet): PlainSet => ({ ...set, features: set.features.map((x) => 8 * x) });
    const right = plainRight(way, support, query);
    expect(plainRight(way, turned, query)).toEqual(right);
    expect(plainRight(way, scaled(support), scaled(query))).toEqual(right);
  });
});
