import { describe, expect, it } from 'vitest';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import { sizeLimits, standing, tradeOf, withRoom } from '../../web/trade.ts';
import { genotypesByDepth } from '../support/random-trunk.ts';

const [small, large] = genotypesByDepth;
/** The larger one first, as a checkpoint may have them. */
const choices = [
  {
    key: genotypeKey(large!),
    weights: 9,
    multiplyAdds: 3_000_000,
    bytes: 6_000_000,
    mirrored: { multiplyAdds: 6_000_000, bytes: 6_090_000 },
  },
  {
    key: genotypeKey(small!),
    weights: 5,
    multiplyAdds: 1_000_000,
    bytes: 2_000_000,
    mirrored: { multiplyAdds: 2_000_000, bytes: 2_090_000 },
  },
];
const task = (mirrored: boolean) => ({
  mirrored,
  architecture: { genotype: small!, weights: 5, multiplyAdds: 1 },
});

describe('the trade of a task', () => {
  it('has what the task could have got, the smallest file first, mirrored as the task is', () => {
    expect(tradeOf(choices, task(false))).toEqual([
      { bytes: 2_000_000, multiplyAdds: 1_000_000, chosen: true },
      { bytes: 6_000_000, multiplyAdds: 3_000_000, chosen: false },
    ]);
    expect(tradeOf(choices, task(true)).map(({ bytes }) => bytes)).toEqual([2_090_000, 6_090_000]);
    expect(tradeOf([], task(true))).toEqual([]);
  });

  it('says where the task stands, and how good it is where that is known', () => {
    const points = tradeOf(choices, task(false));
    const place = 'Of 2 networks, by size, this is number 1: 2 MB, 1 M multiply-adds';
    expect(standing(points, undefined)).toBe(`${place}.`);
    expect(standing(points, 0.92)).toBe(`${place}, 92\u00a0% of left-out photos right.`);
    const others = points.map((point) => ({ ...point, chosen: false }));
    expect(standing(others, 0.92)).toBe('2 networks could have been chosen.');
  });
});

describe('sizes that are written below the curve', () => {
  it('do not overprint: the one of the task always, others where there is room', () => {
    const at = (places: readonly number[], own: number) =>
      withRoom(
        places.map((place, i) => ({ at: place, chosen: i === own })),
        38,
      );
    expect(at([35, 70, 195, 240], 3)).toEqual([0, 2, 3]);
    expect(at([35, 74, 195, 240], 3)).toEqual([0, 1, 2, 3]);
    expect(at([35, 70, 80, 90], 2)).toEqual([0, 2]);
    expect(at([10, 10], -1)).toEqual([0]);
  });
});

describe('limits of the file', () => {
  it('each let one more network in, with room for names and mirror images, but the last, which is no limit', () => {
    expect(sizeLimits(choices)).toEqual([2_100_000]);
    expect(sizeLimits(choices.slice(0, 1))).toEqual([]);
    expect(sizeLimits([choices[0]!, { ...choices[0]!, bytes: 6_000_100 }])).toEqual([]);
    expect(sizeLimits([])).toEqual([]);
  });
});
