import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { adaptChildOnTrunk, noiseTrunkSupport } from '../../../model/adaptation/adapt-on-trunk.ts';
import { allowedGenotypes, BudgetError, exceeded } from '../../../model/adaptation/budget.ts';
import type { Budget } from '../../../model/adaptation/budget.ts';
import { labelBytes } from '../../../model/adaptation/child-cost.ts';
import type { GenotypeCost } from '../../../model/adaptation/child-cost.ts';
import { genotypeKey } from '../../../model/search-space/genotype.ts';
import { genotypesByDepth, randomTrunkCheckpoint, trunkConfiguration } from '../../support/random-trunk.ts';

const labels = ['cat', 'dog'];
const named = labelBytes(labels);

/** A genotype's cost; mirrored it works twice as much, and has ten bytes more. */
const cost = (index: number, weights: number, multiplyAdds: number, bytes: number): GenotypeCost => ({
  genotype: genotypesByDepth[index]!,
  plain: { weights, multiplyAdds, bytes: bytes - named },
  mirrored: { weights, multiplyAdds: 2 * multiplyAdds, bytes: bytes + 10 - named },
});
/** The middle one has fewer weights than the first, and more work. */
const costs = [cost(0, 100, 1000, 500), cost(1, 80, 2000, 600), cost(2, 300, 3000, 900)];

const allowed = (budget: Budget) =>
  allowedGenotypes(costs, budget, labels).map(
    ({ genotype, mirrored }) => `${genotypesByDepth.indexOf(genotype)}${mirrored ? ' mirrored' : ''}`,
  );

function refusal(budget: Budget) {
  try {
    allowed(budget);
  } catch (error) {
    if (error instanceof BudgetError) return error;
  }
  throw new Error('it was not refused');
}

describe('allowedGenotypes', () => {
  it('leaves what fits, in the order that decides between equals, limits inclusive', () => {
    expect(allowed({})).toEqual(['0 mirrored', '1 mirrored', '2 mirrored']);
    expect(allowed({ maxWeights: 100 })).toEqual(['0 mirrored', '1 mirrored']);
    expect(allowed({ maxWeights: 99 })).toEqual(['1 mirrored']);
    expect(allowed({ maxWeights: 300, maxMultiplyAdds: 2000 })).toEqual(['0 mirrored', '1']);
  });

  it('counts the labels among the bytes, to the byte', () => {
    expect(allowed({ maxBytes: 510 })).toEqual(['0 mirrored']);
    expect(allowed({ maxBytes: 509 })).toEqual(['0']);
    expect(allowed({ maxBytes: 500 })).toEqual(['0']);
    expect(() => allowed({ maxBytes: 499 })).toThrow('maxBytes is 499, the least possible is 500');
  });

  it('says which limit binds, and its least value', () => {
    expect(refusal({ maxWeights: 79 }).shortfalls).toEqual([{ limit: 'maxWeights', given: 79, least: 80 }]);
    // a limit that is kept is not named
    expect(refusal({ maxWeights: 10, maxBytes: 900 }).shortfalls).toEqual([
      { limit: 'maxWeights', given: 10, least: 80 },
    ]);
    expect(refusal({ maxWeights: 80, maxMultiplyAdds: 900 }).shortfalls).toEqual([
      { limit: 'maxMultiplyAdds', given: 900, least: 1000 },
    ]);
    expect(refusal({ maxWeights: 10, maxBytes: 10 }).message).toBe(
      'maxWeights is 10, the least possible is 80; maxBytes is 10, the least possible is 500',
    );
    // each is kept by some architecture, both by none: either may be raised
    expect(refusal({ maxWeights: 90, maxMultiplyAdds: 1500 }).shortfalls).toEqual([
      { limit: 'maxWeights', given: 90, least: 100 },
      { limit: 'maxMultiplyAdds', given: 1500, least: 2000 },
    ]);
  });

  it('is kept where what it says is least is asked for', () => {
    for (const { limit, least } of refusal({ maxWeights: 90, maxMultiplyAdds: 1500 }).shortfalls)
      expect(allowed({ maxWeights: 90, maxMultiplyAdds: 1500, [limit]: least })).toHaveLength(1);
  });
});

describe('exceeded', () => {
  it('names every limit that a cost is above', () => {
    const real = { weights: 10, multiplyAdds: 20, bytes: 30 };
    expect(exceeded({ maxWeights: 10, maxMultiplyAdds: 20, maxBytes: 30 }, real)).toEqual([]);
    expect(exceeded({ maxWeights: 9, maxMultiplyAdds: 20, maxBytes: 29 }, real)).toEqual([
      'maxWeights',
      'maxBytes',
    ]);
  });
});

describe('a task within a budget', () => {
  const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 100 });
  afterAll(() => executor.dispose());
  const checkpoint = randomTrunkCheckpoint(trunkConfiguration(), { genotypes: genotypesByDepth });
  const made = async (options: Partial<Parameters<typeof adaptChildOnTrunk>[2]>) => {
    const support = noiseTrunkSupport(checkpoint, { way: 2, shot: 2 });
    const { genotype, mirrored } = await adaptChildOnTrunk(
      checkpoint,
      support,
      { steps: 0, ...options },
      executor,
    );
    return [genotypeKey(genotype), mirrored];
  };
  const keys = genotypesByDepth.map(genotypeKey);
  const allowing = (indices: readonly number[], mirrored = true) => ({
    allowed: indices.map((index) => ({ genotype: genotypesByDepth[index]!, mirrored })),
  });

  it('gets the architecture that the controller favours most of those that are allowed', async () => {
    const [best] = await made({});
    const first = keys.indexOf(best as string);
    expect(await made(allowing([0, 1, 2]))).toEqual([best, true]);
    const others = [0, 1, 2].filter((index) => index !== first);
    const [second] = await made(allowing(others));
    expect(others.map((index) => keys[index])).toContain(second);
    // the ranking does not depend on the order of what is left
    expect(await made(allowing([...others].reverse()))).toEqual([second, true]);
    const [last] = others.filter((index) => keys[index] !== second);
    expect(await made(allowing([last!, keys.indexOf(second as string)]))).toEqual([second, true]);
    expect(await made(allowing([last!]))).toEqual([keys[last!], true]);
  });

  it('goes without mirror images where these are too much', async () => {
    const [best] = await made({});
    expect(await made(allowing([0, 1, 2], false))).toEqual([best, false]);
  });
});
