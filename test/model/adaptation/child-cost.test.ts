import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { adaptChildOnTrunk, noiseTrunkSupport } from '../../../model/adaptation/adapt-on-trunk.ts';
import { adaptTask, noiseSupport } from '../../../model/adaptation/adapt-task.ts';
import { genotypeCost, labelBytes } from '../../../model/adaptation/child-cost.ts';
import { exportTrunkChild } from '../../../model/adaptation/export-trunk-child.ts';
import type { TrunkGraph } from '../../../model/adaptation/export-trunk-child.ts';
import type { Checkpoint } from '../../../model/checkpoint/checkpoint.ts';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import { initialParameters } from '../../../model/parameters.ts';
import { keyFrom } from '../../../model/random.ts';
import { genotypeKey, parseGenotypeKey } from '../../../model/search-space/genotype.ts';
import {
  genotypesByDepth,
  randomTrunkCheckpoint,
  randomTrunkGraph as trunk,
  trunkConfiguration,
} from '../../support/random-trunk.ts';

const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 200 });
afterAll(() => executor.dispose());

const standing = randomTrunkCheckpoint(trunkConfiguration(), { genotypes: genotypesByDepth });

const costsOf = (checkpoint: Checkpoint, way: number, on?: TrunkGraph) =>
  checkpoint.genotypes.map((genotype) => genotypeCost(checkpoint, on, genotype, way));

describe('genotypeCost', () => {
  it.each([
    ['кошка', 'x'.repeat(100)],
    ['a', 'b', 'c', 'd', 'e'],
  ])('is what an adapted child on a trunk really costs, whatever its labels: %s', async (...labels) => {
    const way = labels.length;
    for (const { genotype, plain, mirrored } of costsOf(standing, way, trunk)) {
      for (const [asked, expected] of [
        [false, plain],
        [true, mirrored!],
      ] as const) {
        const support = noiseTrunkSupport(standing, { way, shot: 2 });
        const options = { steps: 1, genotype, mirrored: asked };
        const { child } = await adaptChildOnTrunk(standing, support, options, executor);
        const { model, ...cost } = exportTrunkChild(standing, trunk, child, labels);
        expect({ ...cost, bytes: model.length - labelBytes(labels) }).toEqual(expected);
      }
    }
  });

  it('grows with the depth that is read, and with mirror images', () => {
    const costs = costsOf(standing, 5, trunk);
    for (const kind of ['weights', 'multiplyAdds', 'bytes'] as const) {
      const ordered = costs.map(({ plain }) => plain[kind]);
      expect(ordered).toEqual([...ordered].sort((a, b) => a - b));
      expect(new Set(ordered).size).toBe(costs.length);
    }
    for (const { plain, mirrored } of costs) {
      expect(mirrored!.weights).toBe(plain.weights);
      expect(mirrored!.multiplyAdds).toBeGreaterThan(1.9 * plain.multiplyAdds);
      expect(mirrored!.bytes).toBeGreaterThan(plain.bytes);
    }
  });

  it('is what a child that reads pixels costs', async () => {
    const configuration = parseModelConfiguration({
      image: { size: 20 },
      supernet: { channels: 4, nodes: 2, stem: [4, 6] },
      encoder: { features: 6, state: 8 },
      controller: { hidden: 8 },
    });
    const genotypes = ['0s1D.0i2S/0d1i.0m2s', '0m1i.0i1a/0i1i.0a2m'].map(parseGenotypeKey);
    const parameters = initialParameters(configuration, keyFrom(3));
    const checkpoint = { id: 'test', configuration, parameters, genotypes, training: {} };
    for (const { genotype, plain, mirrored } of costsOf(checkpoint, 3)) {
      expect(mirrored).toBeNull();
      const support = noiseSupport(checkpoint, { way: 3, shot: 1 });
      const adapted = await adaptTask(checkpoint, support, { steps: 1, genotype }, executor);
      expect(genotypeKey(adapted.genotype)).toBe(genotypeKey(genotype));
      const { weights, multiplyAdds, model, labels } = adapted;
      expect({ weights, multiplyAdds, bytes: model.length - labelBytes(labels) }).toEqual(plain);
    }
  });
});
