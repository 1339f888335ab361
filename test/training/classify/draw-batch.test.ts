import { describe, expect, it } from 'vitest';
import { keyFrom } from '../../../model/random.ts';
import { drawBatch, drawBeta, trainingClasses } from '../../../training/classify/draw-batch.ts';
import type { ImageClass, Split } from '../../../training/data/domain.ts';
import type { ClassifiedDomain } from '../../../training/classify/samples.ts';
import type { PlaneDomain } from '../../../training/planes/plane-domain.ts';

function domain(
  name: string,
  counts: readonly (readonly [Split, number])[],
  views: Partial<PlaneDomain['views']> = {},
): ClassifiedDomain {
  let first = 0;
  const classes = counts.map(([split, count], index): ImageClass => {
    first += count;
    return { name: `${index}`, split, first: first - count, count };
  });
  const planes = {
    name,
    classes,
    images: first,
    views: { mirror: false, crops: 0, served: false, ...views },
    taps: [],
    teacher: null,
    fingerprint: '',
    pixelHash: '',
    path: '',
  };
  return { kind: 'planes', domain: planes };
}

const small = domain(
  'small',
  [
    ['test', 5],
    ['train', 60],
    ['val', 7],
    ['train', 40],
  ],
  { mirror: true, crops: 1 },
);
const large = domain('large', [['train', 1600]]);

describe('batches of all training classes', () => {
  const classes = trainingClasses([small, large]);
  const drawn = drawBatch(keyFrom(1), classes, 20_000);

  it('take images of training classes only, with labels of their own', () => {
    expect(classes.count).toBe(3);
    for (const { domain, image, label } of drawn) {
      const from = [
        [5, 65],
        [72, 112],
        [0, 1600],
      ][label]!;
      expect(domain).toBe(label === 2 ? 1 : 0);
      expect(image).toBeGreaterThanOrEqual(from[0]!);
      expect(image).toBeLessThan(from[1]!);
    }
    expect(new Set(drawn.filter(({ domain }) => domain === 0).map(({ image }) => image)).size).toBe(100);
  });

  it('draw a domain with the root of its images, its images and views alike', () => {
    const part = (chosen: (image: (typeof drawn)[number]) => boolean): number =>
      drawn.filter(chosen).length / drawn.length;
    expect(part(({ domain }) => domain === 0)).toBeCloseTo(0.2, 1.5); // 10 of 10 + 40
    expect(part(({ label }) => label === 0)).toBeCloseTo(0.12, 1.5);
    for (const view of [0, 1, 2])
      expect(part((own) => own.domain === 0 && own.view === view)).toBeCloseTo(0.2 / 3, 1.5);
    expect(part((own) => own.domain === 1 && own.view === 0)).toBeCloseTo(0.8, 1.5);
  });

  it('draw a domain as often as its weight says', () => {
    const weighted = drawBatch(keyFrom(1), trainingClasses([small, large], [4, 1]), 20_000);
    const part = weighted.filter(({ domain }) => domain === 0).length / weighted.length;
    expect(part).toBeCloseTo(0.5, 1.5); // 4 * 10 of 4 * 10 + 40
  });

  it('are the same for the same key, whatever their size', () => {
    expect(drawBatch(keyFrom(1), classes, 10)).toEqual(drawn.slice(0, 10));
    expect(drawBatch(keyFrom(2), classes, 10)).not.toEqual(drawn.slice(0, 10));
  });

  it('need a training class of each domain', () => {
    expect(() => trainingClasses([large, domain('none', [['val', 3]])])).toThrow(
      'domain none has no training class',
    );
  });
});

it('the beta distribution has its mean and variance', () => {
  for (const a of [0.2, 1]) {
    const draws = Array.from({ length: 20_000 }, (_, seed) => drawBeta(keyFrom(seed), a));
    const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(0.5, 1.7);
    expect(variance).toBeCloseTo(1 / (4 * (2 * a + 1)), 2);
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...draws)).toBeLessThanOrEqual(1);
  }
});
