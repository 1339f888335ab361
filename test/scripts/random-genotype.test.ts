import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold, keyFrom } from '../../model/random.ts';
import {
  cellNames,
  genotypeKey,
  operationNames,
  parseGenotypeKey,
} from '../../model/search-space/genotype.ts';
import { tapSlots } from '../../model/search-space/taps.ts';
import { randomGenotype } from '../../scripts/random-genotype.ts';
import { smallConfiguration } from '../support/meta-task.ts';
import { smallTrunkConfiguration } from '../support/trunk-task.ts';

describe('a random genotype', () => {
  const configuration = smallTrunkConfiguration();
  const { nodes } = configuration.supernet;

  test('is one that decoding can give, the same for a key', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const genotype = randomGenotype(configuration, keyFrom(seed));
        expect(randomGenotype(configuration, keyFrom(seed))).toEqual(genotype);
        expect(parseGenotypeKey(genotypeKey(genotype))).toEqual(genotype);
        for (const cell of cellNames) {
          expect(genotype[cell].nodes).toHaveLength(nodes);
          genotype[cell].nodes.forEach((edges, target) => {
            const [first, second] = edges.map(({ input }) => input) as [number, number];
            expect(edges).toHaveLength(2);
            expect(first).toBeLessThan(second);
            expect(second).toBeLessThan(target + 2);
          });
        }
        for (const { name, taps } of tapSlots(configuration))
          expect(taps.map((tap) => tap.name)).toContain(genotype.taps!.slots[name]);
      }),
    );
  });

  test('has every operation and every tap somewhere, the latter beside the cells half of the time', () => {
    const drawn = Array.from({ length: 400 }, (_, i) => randomGenotype(configuration, fold(keyFrom(1), i)));
    const edges = drawn.flatMap((genotype) => cellNames.flatMap((cell) => genotype[cell].nodes.flat()));
    const operations = operationNames.slice(1);
    for (const name of operations) {
      const share = edges.filter(({ operation }) => operation === name).length / edges.length;
      expect(Math.abs(share - 1 / operations.length)).toBeLessThan(0.05);
    }
    for (const { name } of configuration.trunk!.taps) {
      const beside = drawn.filter(({ taps }) => taps!.beside.includes(name)).length;
      expect(Math.abs(beside / drawn.length - 0.5)).toBeLessThan(0.1);
    }
  });

  test('reads no tap where there is no trunk', () => {
    expect(randomGenotype(smallConfiguration({}), keyFrom(1)).taps).toBeUndefined();
  });
});
