import fc from 'fast-check';
import { operationNames } from '../../model/search-space/genotype.ts';
import type { CellGenotype, Genotype, GenotypeEdge } from '../../model/search-space/genotype.ts';

const operation = fc.constantFrom(...operationNames.filter((name) => name !== 'none'));

const nodeArbitrary = (target: number): fc.Arbitrary<GenotypeEdge[]> => {
  const inputs = fc.shuffledSubarray(
    Array.from({ length: target + 2 }, (_, i) => i),
    { minLength: 2, maxLength: 2 },
  );
  return fc.tuple(inputs, operation, operation).map(([[a, b], first, second]) => [
    { operation: first, input: Math.min(a!, b!) },
    { operation: second, input: Math.max(a!, b!) },
  ]);
};

const cellArbitrary = (nodes: number): fc.Arbitrary<CellGenotype> =>
  fc
    .tuple(...Array.from({ length: nodes }, (_, target) => nodeArbitrary(target)))
    .map((chosen) => ({ nodes: chosen }));

/** Any genotype that decoding can give: two different inputs a node, in ascending order. */
export const genotypeArbitrary = (nodes: number): fc.Arbitrary<Genotype> =>
  fc.record({ normal: cellArbitrary(nodes), reduction: cellArbitrary(nodes) });
