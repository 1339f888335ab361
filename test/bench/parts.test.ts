import { describe, expect, it } from 'vitest';
import { benchAdapt } from '../../bench/adapt.ts';
import { benchDepthwise, depthwiseCases } from '../../bench/depthwise.ts';
import { benchImages } from '../../bench/images.ts';
import { benchToy } from '../../bench/toy.ts';

describe('bench adapt', () => {
  it('times every stage of an adaptation', async () => {
    const { first, least, median } = await benchAdapt({ way: 2, shot: 1, runs: 2, threads: 1 });
    for (const times of [first, least, median])
      expect(Object.keys(times)).toEqual(['embed', 'adapt', 'export']);
    expect(least['adapt']).toBeGreaterThan(0);
    expect(median['adapt']).toBeGreaterThanOrEqual(least['adapt']!);
  });
});

describe('bench depthwise', () => {
  it('times the formulations and says which one the model takes', async () => {
    const given = depthwiseCases.find(({ side, images }) => side === 5 && images === 5)!;
    const { rows, planes, grouped, taken } = await benchDepthwise(given, 2);
    expect(grouped).toBeGreaterThan(0);
    expect(rows).toBeGreaterThan(0);
    expect(planes).toBeGreaterThan(0);
    expect(taken).toBe('planes');
  });
});

describe('bench toy', () => {
  it('times meta-iterations of a row', async () => {
    const { least, median } = await benchToy({ row: 'maml', workers: 1, iterations: 2 });
    expect(least).toBeGreaterThan(0);
    expect(median).toBeGreaterThanOrEqual(least);
  });
});

describe('bench images', () => {
  it('times a shape of a stage', async () => {
    const found = [];
    for await (const times of benchImages({ row: 'maml', runs: 1 })) {
      found.push(times);
      break;
    }
    expect(found).toMatchObject([{ stage: 'retrain', steps: 5, way: 5, shot: 1 }]);
    expect(found[0]!.least).toBeGreaterThan(0);
    expect(found[0]!.median).toBe(found[0]!.least);
  });

  for (const [row, shapes] of Object.entries({
    maml: ['5 5-way 1-shot', '5 5-way 5-shot'],
    // of two stages, and of as many images as it is trained with
    'conv4-class-means': [
      '0 20-way 1-shot',
      '0 20-way 5-shot',
      '0 5-way 1-shot',
      '5 5-way 1-shot',
      '5 5-way 5-shot',
    ],
  }))
    it(`times every stage and shape of ${row}`, { tags: ['slow'] }, async () => {
      const found = [];
      for await (const times of benchImages({ row, runs: 1 })) found.push(times);
      expect(found.map(({ steps, way, shot }) => `${steps} ${way}-way ${shot}-shot`)).toEqual(shapes);
      for (const { least, median } of found) expect(least).toBe(median);
    });
});
