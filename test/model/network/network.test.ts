import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { selectChild } from '../../../model/network/child.ts';
import type { Genotype } from '../../../model/search-space/genotype.ts';
import { gradient } from '../../../model/graph/gradient.ts';
import { Graph, inputsOf } from '../../../model/graph/graph.ts';
import { broadcast, concat, conv, reshape, slice, transpose } from '../../../model/graph/operations.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { sizeOf } from '../../../model/graph/shapes.ts';
import { depthwise, outputSide } from '../../../model/layers/depthwise.ts';
import type { PlaneWindow } from '../../../model/layers/depthwise.ts';
import { pool3, subsample } from '../../../model/layers/primitive-layers.ts';
import { distance, widened } from '../../support/directional.ts';
import { randomSum } from '../../support/check-gradients.ts';
import { genotypeArbitrary } from '../../support/genotypes.ts';
import { noisyParameters, referenceRunner, smallConfiguration, smallTask } from '../../support/meta-task.ts';
import { randomArray } from '../../support/random.ts';
import { architectureValues } from '../../../model/controller/architecture.ts';

/** Supernet with the genotype's one-hot architecture and the child, from the same weights: logits, one step, logits. */
async function compare(
  genotype: Genotype,
  options: { readonly head: 'prototype' | 'shared'; readonly rectified?: boolean },
  seed: number,
): Promise<void> {
  const nodes = genotype.normal.nodes.length;
  const configuration = smallConfiguration({ nodes, ...options, modulator: 'none' });
  const { support, query, size } = smallTask(configuration, 2, seed);
  const { runner } = referenceRunner(configuration);
  const parameters = noisyParameters(configuration, seed);
  const mixes = architectureValues(runner.oneHot(genotype), configuration);
  const supernet = { network: runner.supernet(), mixes, support, size };
  const child = { network: runner.child(genotype), mixes: {}, support, size };
  let full = await runner.initialWeights(supernet, parameters, parameters);
  let own = await runner.initialWeights(child, parameters, parameters);
  const rate = configuration.innerLoop.learningRate;
  for (let k = 0; k < 2; k++) {
    for (const statistics of ['support', 'batch'] as const) {
      const expected = await runner.queryLogits(supernet, full, query, statistics);
      const logits = await runner.queryLogits(child, own, query, statistics);
      expect(distance({ logits }, widened({ logits: expected }))).toBeLessThan(1e-9);
    }
    const [wide, narrow] = [await runner.innerStep(supernet, full), await runner.innerStep(child, own)];
    expect(narrow.fit.loss).toBeCloseTo(wide.fit.loss, 10);
    expect(narrow.fit.accuracy).toBe(wide.fit.accuracy);
    // the updates, not the weights: those hardly move
    const parts = child.network.child!.filter(({ name }) => name !== 'head.vector');
    const change = (name: string, after: Float32Array, before: Float32Array): [string, Float32Array] => [
      name,
      after.map((x, i) => (x - before[i]!) / rate),
    ];
    const [from, to] = [selectChild(parts, full), selectChild(parts, wide.weights)];
    const heads = ['head.weight', 'head.bias'];
    const expected = [
      ...parts.map(({ name }) => change(name, to[name]!, from[name]!)),
      ...heads.map((name) => change(name, wide.weights[name]!, full[name]!)),
    ];
    const actual = Object.keys(narrow.weights).map((name) => change(name, narrow.weights[name]!, own[name]!));
    expect(actual.map(([name]) => name).sort()).toEqual(expected.map(([name]) => name).sort());
    expect(distance(Object.fromEntries(actual), widened(Object.fromEntries(expected)))).toBeLessThan(1e-9);
    [full, own] = [wide.weights, narrow.weights];
  }
}

describe('the supernet with a one-hot architecture is the child of that genotype', () => {
  const everywhere = (operation: Genotype['normal']['nodes'][number][number]['operation']): Genotype => {
    const cell = {
      nodes: [
        [0, 1],
        [1, 2],
      ].map((inputs) => inputs.map((input) => ({ operation, input }))),
    };
    return { normal: cell, reduction: cell };
  };

  test.each([
    'max_pool_3x3',
    'avg_pool_3x3',
    'skip_connect',
    'sep_conv_3x3',
    'sep_conv_5x5',
    'dil_conv_3x3',
    'dil_conv_5x5',
  ] as const)('%s on every edge', (operation) => compare(everywhere(operation), { head: 'prototype' }, 3));

  const random = async (numRuns: number): Promise<void> => {
    const problem = fc.tuple(
      fc.integer({ min: 1, max: 2 }).chain(genotypeArbitrary),
      fc.record({ head: fc.constantFrom('prototype', 'shared'), rectified: fc.boolean() }),
      fc.integer({ min: 1, max: 1000 }),
    );
    await fc.assert(
      fc.asyncProperty(problem, ([genotype, options, seed]) => compare(genotype, options, seed)),
      { numRuns, seed: 1 },
    );
  };
  test('a random genotype', () => random(1));
  test('random genotypes', { tags: ['slow'] }, () => random(10));
});

describe('depthwise', () => {
  /** A convolution written out, group by group: what both paths of `depthwise` must equal. */
  function grouped(x: Tensor, kernels: Tensor, { side, kernel, stride, dilation }: PlaneWindow): Tensor {
    const [e, c] = kernels.shape as [number, number];
    const images = x.shape[2]!;
    const batch = reshape(transpose(x, [2, 0, 1, 3]), [images, e * c, side, side]);
    const geometry = { stride, dilation, padding: (dilation * (kernel - 1)) / 2, groups: e * c };
    const y = conv(batch, reshape(kernels, [e * c, 1, kernel, kernel]), geometry);
    return transpose(reshape(y, [images, e, c, y.shape[2]! ** 2]), [1, 2, 0, 3]);
  }

  const [e, images] = [2, 2];
  // 7 x 7 is the largest plane that is always multiplied whole; larger ones are multiplied by rows, or by groups where channels
  // are whole blocks
  const sizes = [
    { side: 4, c: 2 },
    { side: 7, c: 2 },
    { side: 8, c: 2 },
    { side: 15, c: 2 },
    { side: 8, c: 16 },
    { side: 15, c: 16 },
  ];
  const cases = sizes.flatMap(({ side, c }) =>
    ([1, 2] as const).flatMap((stride) =>
      [
        [[3, 1]],
        [[5, 2]],
        [
          [3, 1],
          [5, 1],
        ],
        [
          [3, 2],
          [5, 2],
        ],
      ].flatMap((kinds) =>
        (['shared', 'own'] as const).map((input) => ({
          side,
          c,
          stride,
          input,
          kinds: kinds.map(([kernel, dilation]) => ({ kernel: kernel!, dilation: dilation! })),
        })),
      ),
    ),
  );

  test.each(cases)(
    '$side px, $c channels, stride $stride, $input input, $kinds: value and both gradients',
    ({ side, c, stride, input, kinds }) => {
      const graph = new Graph();
      const channels = kinds.length * c;
      const shape = input === 'own' ? [e, channels, images, side ** 2] : [1, c, images, side ** 2];
      const x = graph.input('x', shape);
      const kernels = kinds.map((kind, i) => ({
        ...kind,
        weights: graph.input(`kernels.${i}`, [e, c, kind.kernel ** 2]),
      }));
      const all = broadcast(reshape(x, [shape[0]!, shape[1]! / c, c, images, side ** 2]), [
        e,
        kinds.length,
        c,
        images,
        side ** 2,
      ]);
      const plain = kernels.map((kind, i) => {
        const planes = reshape(slice(all, 1, i, 1), [e, c, images, side ** 2]);
        return grouped(planes, kind.weights, { ...kind, side, stride });
      });
      const fast = depthwise(x, kernels, { side, stride });
      const out = outputSide({ ...kinds[0]!, side, stride });
      expect(fast.shape).toEqual([e, channels, images, out ** 2]);
      const wrt = [x, ...kernels.map(({ weights }) => weights)];
      const outputs = [fast, concat(plain, 1)].map((y) => [y, ...gradient(randomSum(y, 9), wrt)]);
      const point = Object.fromEntries(
        Object.entries(inputsOf(wrt)).map(([name, { shape }], i) => [name, randomArray(sizeOf(shape), i)]),
      );
      const values = evaluate(outputs.flat(), point);
      for (let i = 0; i <= wrt.length; i++)
        expect(distance({ y: values[i]! }, { y: values[i + wrt.length + 1]! })).toBeLessThan(1e-12);
    },
  );
});

describe('planes', () => {
  test.each([4, 5])('subsample keeps every second row and column of %i px', (side) => {
    const graph = new Graph();
    const x = randomArray(2 * 3 * side ** 2, 1);
    const [y] = evaluate([subsample(graph.constant(x, [2, 3 * side ** 2]), side)], {});
    const kept = Array.from(x).filter(
      (_, i) => (i % side) % 2 === 0 && (Math.floor(i / side) % side) % 2 === 0,
    );
    expect(Array.from(y!)).toEqual(kept);
  });

  test('pool3 does not count padding', () => {
    const graph = new Graph();
    const ones = graph.constant(new Float64Array(32).fill(1), [2, 16]);
    for (const kind of ['max', 'average'] as const) {
      const [y] = evaluate([pool3(kind, ones, 4, 2)], {});
      expect(Array.from(y!)).toEqual(new Array(8).fill(1));
    }
  });
});
