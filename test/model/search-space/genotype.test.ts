import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cellNames,
  chooseGenotype,
  decodeCell,
  decodeGenotype,
  edgeCount,
  edgeIndex,
  firstEdgeOf,
  genotypeKey,
  parseGenotypeKey,
  oneHot,
  operationNames,
  sourcesOf,
  targetsOf,
} from '../../../model/search-space/genotype.ts';
import type { RelaxedArchitecture, Genotype } from '../../../model/search-space/genotype.ts';
import { genotypeArbitrary } from '../../support/genotypes.ts';

const nodeCount = fc.integer({ min: 1, max: 6 });

const weightsArbitrary = (nodes: number): fc.Arbitrary<Float32Array> => {
  const length = edgeCount(nodes) * operationNames.length;
  // few distinct values, so that ties are common
  return fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length })
    .map((x) => Float32Array.from(x, (v) => v / 9));
};

const sized = <T>(of: (nodes: number) => fc.Arbitrary<T>): fc.Arbitrary<[number, T]> =>
  nodeCount.chain((nodes) => fc.tuple(fc.constant(nodes), of(nodes)));

describe('edges', () => {
  test('DARTS has 14 edges at 4 nodes', () => {
    expect(edgeCount(4)).toBe(14);
    expect([1, 2, 3].map(edgeCount)).toEqual([2, 5, 9]);
  });

  test('edgeIndex numbers every edge once, source-major', () => {
    fc.assert(
      fc.property(nodeCount, (nodes) => {
        const indices = sourcesOf(nodes).flatMap((source) =>
          targetsOf(source, nodes).map((target) => edgeIndex(source, target, nodes)),
        );
        expect(indices).toEqual(Array.from({ length: edgeCount(nodes) }, (_, i) => i));
        for (const source of sourcesOf(nodes)) {
          expect(edgeIndex(source, targetsOf(source, nodes)[0]!, nodes)).toBe(firstEdgeOf(source, nodes));
        }
      }),
    );
  });

  test('an intermediate node takes both inputs and every earlier intermediate node', () => {
    fc.assert(
      fc.property(nodeCount, (nodes) => {
        for (let target = 0; target < nodes; target++) {
          const sources = sourcesOf(nodes).filter((source) => targetsOf(source, nodes).includes(target));
          expect(sources).toEqual(Array.from({ length: target + 2 }, (_, i) => i));
        }
      }),
    );
  });
});

describe('decodeCell', () => {
  test('keeps the two strongest edges of a node by their strongest operation', () => {
    const weights = new Float32Array(edgeCount(2) * operationNames.length);
    const set = (source: number, target: number, operation: number, value: number): void => {
      weights[edgeIndex(source, target, 2) * operationNames.length + operation] = value;
    };
    set(0, 0, 4, 0.9);
    set(1, 0, 3, 0.2);
    set(0, 1, 7, 0.3);
    set(1, 1, 0, 0.99); // zero is no operation, however strong
    set(1, 1, 2, 0.1);
    set(2, 1, 1, 0.8);
    expect(decodeCell(weights, 2)).toEqual({
      nodes: [
        [
          { operation: 'sep_conv_3x3', input: 0 },
          { operation: 'skip_connect', input: 1 },
        ],
        [
          { operation: 'dil_conv_5x5', input: 0 },
          { operation: 'max_pool_3x3', input: 2 },
        ],
      ],
    });
  });

  test('equal strengths: the smaller source and operation', () => {
    const flat = new Float32Array(edgeCount(3) * operationNames.length).fill(0.125);
    const pair = [0, 1].map((input) => ({ operation: 'max_pool_3x3', input }));
    expect(decodeCell(flat, 3)).toEqual({ nodes: [pair, pair, pair] });
  });

  test('no edge that it drops is stronger than one that it keeps, and no operation than the chosen one', () => {
    fc.assert(
      fc.property(sized(weightsArbitrary), ([nodes, weights]) => {
        const row = (source: number, target: number): Float32Array => {
          const at = edgeIndex(source, target, nodes) * operationNames.length;
          return weights.subarray(at + 1, at + operationNames.length);
        };
        decodeCell(weights, nodes).nodes.forEach((edges, target) => {
          const inputs = edges.map(({ input }) => input);
          expect(edges).toHaveLength(2);
          expect(inputs).toEqual([...new Set(inputs)].sort((a, b) => a - b));
          const strength = (source: number): number => Math.max(...row(source, target));
          for (const { input, operation } of edges) {
            expect(row(input, target)[operationNames.indexOf(operation) - 1]).toBe(strength(input));
          }
          const dropped = Array.from({ length: target + 2 }, (_, s) => s).filter((s) => !inputs.includes(s));
          for (const source of dropped) {
            for (const kept of inputs) expect(strength(source)).toBeLessThanOrEqual(strength(kept));
          }
        });
      }),
    );
  });
});

describe('oneHot', () => {
  test('is undone by decoding', () => {
    fc.assert(
      fc.property(sized(genotypeArbitrary), ([nodes, genotype]) => {
        expect(decodeGenotype(oneHot(genotype, nodes), nodes)).toEqual(genotype);
      }),
    );
  });

  test('has two ones a node and nothing else', () => {
    fc.assert(
      fc.property(sized(genotypeArbitrary), ([nodes, genotype]) => {
        const chosen = oneHot(genotype, nodes);
        for (const cell of cellNames) {
          expect(chosen[cell]).toHaveLength(edgeCount(nodes) * operationNames.length);
          expect(chosen[cell].filter((x) => x === 1)).toHaveLength(2 * nodes);
          expect(chosen[cell].filter((x) => x !== 0 && x !== 1)).toHaveLength(0);
        }
      }),
    );
  });
});

describe('chooseGenotype', () => {
  const architectureArbitrary = (nodes: number): fc.Arbitrary<RelaxedArchitecture> =>
    fc.record({ normal: weightsArbitrary(nodes), reduction: weightsArbitrary(nodes) });

  test('without choices decodes', () => {
    fc.assert(
      fc.property(sized(architectureArbitrary), ([nodes, architecture]) => {
        expect(chooseGenotype(architecture, [], nodes)).toEqual(decodeGenotype(architecture, nodes));
      }),
    );
  });

  test('prefers the genotype whose one-hot it is given, wherever it stands', () => {
    const distinct = (nodes: number): fc.Arbitrary<Genotype[]> =>
      fc.uniqueArray(genotypeArbitrary(nodes), { minLength: 2, maxLength: 5, selector: genotypeKey });
    fc.assert(
      fc.property(sized(distinct), ([nodes, choices]) => {
        for (const genotype of choices)
          expect(chooseGenotype(oneHot(genotype, nodes), choices, nodes)).toBe(genotype);
      }),
    );
  });
});

test('genotypeKey is equal for equal genotypes only', () => {
  fc.assert(
    fc.property(
      nodeCount.chain((nodes) => fc.tuple(genotypeArbitrary(nodes), genotypeArbitrary(nodes))),
      ([a, b]) => {
        expect(parseGenotypeKey(genotypeKey(a))).toEqual(a);
        expect(genotypeKey(structuredClone(a))).toBe(genotypeKey(a));
        expect(genotypeKey(a) === genotypeKey(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      },
    ),
  );
});

test.each(['', '0s1s', '0s1s/', '0s1s/0x1s', '0s1s/s1', '0s1s/0s1s/0s1s', '0s1s/0s..1s'])(
  '%j is no key of a genotype',
  (key) => {
    expect(() => parseGenotypeKey(key)).toThrow(RangeError);
  },
);
