import { describe, expect, it } from 'vitest';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import { gradient } from '../../../model/graph/gradient.ts';
import { Graph } from '../../../model/graph/graph.ts';
import {
  add,
  broadcast,
  conv,
  crossEntropy,
  divide,
  maxPool,
  mean,
  multiply,
  relu,
  reshape,
  slice,
  sqrt,
  subtract,
  transpose,
} from '../../../model/graph/operations.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { sizeOf } from '../../../model/graph/shapes.ts';
import { features } from '../../../model/network/features.ts';
import { weightSpecifications } from '../../../model/network/weights.ts';
import type { Weights } from '../../../model/graph/weights.ts';
import { TaskGraphs } from '../../../model/inner-loop/step-graphs.ts';
import { inputWeights } from '../../../model/graph/variables.ts';
import { checkGradients } from '../../support/check-gradients.ts';
import { randomArray } from '../../support/random.ts';
import { headLogits, headOf } from '../../../model/head/linear-head.ts';

const way = 2;
const [images, counted] = [4, 3];
const network = { kind: 'conv4' } as const;
const configurationOf = (size: number, { filters = 2, stride = 1 } = {}) =>
  parseModelConfiguration({
    image: { size, stride },
    network: { kind: 'conv4', filters },
    head: { kind: 'shared' },
  });

/** The network as the PyTorch script writes it, one operation after the other in [n, c, h, w]; statistics of `counted`. */
function plainFeatures(pixels: Tensor, weights: Weights, stride: number): Tensor {
  let x = pixels;
  for (let i = 0; i < 4; i++) {
    const kernel = reshape(weights(`conv.${i}`), [2, x.shape[1]!, 3, 3]);
    const planes = transpose(conv(x, kernel, { padding: 1, stride: i === 0 ? stride : 1 }), [1, 0, 2, 3]); // [c, n, h, w]
    const c = planes.shape[0]!;
    const rows = reshape(planes, [c, sizeOf(planes.shape) / c]);
    const source = reshape(slice(planes, 1, 0, counted), [c, (rows.shape[1]! / images) * counted]);
    const center = mean(source, [1]);
    const minus = (y: Tensor): Tensor => subtract(y, broadcast(center, y.shape));
    const variance = mean(multiply(minus(source), minus(source)), [1]);
    const scale = divide(weights(`gain.${i}`), sqrt(add(variance, 1e-5)));
    const scaled = multiply(minus(rows), broadcast(scale, rows.shape));
    const shifted = add(scaled, broadcast(weights(`bias.${i}`), rows.shape));
    const activated = relu(reshape(shifted, planes.shape));
    x = maxPool(transpose(activated, [1, 0, 2, 3]), { kernel: 2, stride: 2, padding: 0 });
  }
  return reshape(x, [images, sizeOf(x.shape) / images]);
}

interface Problem {
  readonly loss: (of: (pixels: Tensor, weights: Weights) => Tensor) => Tensor;
  readonly variables: readonly Tensor[];
  readonly point: Record<string, Float64Array>;
}

/** Random weights with a negative gain among them, random images, labels in turn. */
function problemOf(size: number, stride: number, seed: number): Problem {
  const adapted = new TaskGraphs(configurationOf(size, { stride }), network).adapted(way);
  const graph = new Graph();
  const weights = inputWeights(graph, adapted);
  const values = adapted.map(({ name, shape }, i): [string, Float64Array] => [
    name,
    randomArray(sizeOf(shape), seed + i).map((value, j) =>
      name.startsWith('gain') ? (j % 2 === 0 ? 1 : -0.7) + 0.1 * value : 0.5 * value,
    ),
  ]);
  const pixels = graph.input('images', [images, 3, size, size]);
  const targets = graph.constant(
    Float64Array.from({ length: images * way }, (_, at) => Number(at % way === Math.floor(at / way) % way)),
    [images, way],
  );
  return {
    loss: (of) => crossEntropy(headLogits(of(pixels, weights), headOf(weights)), targets),
    variables: adapted.map(({ name }) => weights(name)),
    point: { ...Object.fromEntries(values), images: randomArray(images * 3 * size ** 2, seed + 50) },
  };
}

const conv4 =
  (size: number, stride: number) =>
  (pixels: Tensor, weights: Weights): Tensor =>
    features(configurationOf(size, { stride }), network, pixels, weights, counted).features;

describe('conv4', () => {
  it('has the number of weights of the PyTorch script', () => {
    const adapted = new TaskGraphs(configurationOf(28, { filters: 32 }), network).adapted(5);
    expect(adapted.reduce((n, { shape }) => n + sizeOf(shape), 0)).toBe(28933);
  });

  it("with the paper's five outputs at 84 px has MAML's 32.9K, the convolutions' biases counted", () => {
    const configuration = parseModelConfiguration({
      image: { size: 84 },
      network: { kind: 'conv4', filters: 32 },
      head: { kind: 'linear', outputs: 5 },
    });
    const adapted = new TaskGraphs(configuration, network).adapted(5);
    const weights = adapted.reduce((n, { shape }) => n + sizeOf(shape), 0);
    expect(weights).toBe(32_773);
    // Published counts have a bias of each filter too, which the normalisation behind it takes away again.
    expect(weights + 4 * 32).toBe(32_901);
    const meta = weightSpecifications(configuration);
    expect(meta.reduce((n, { shape }) => n + sizeOf(shape), 0)).toBe(weights);
  });

  it('with a linear head refuses tasks of more classes than it has outputs', () => {
    const configuration = parseModelConfiguration({
      image: { size: 16 },
      network: { kind: 'conv4', filters: 2 },
      head: { kind: 'linear', outputs: 3 },
    });
    const graphs = new TaskGraphs(configuration, network);
    expect(graphs.head({ way: 3, support: 3 }).outputs['head.weight']!.shape).toEqual([3, 2]);
    expect(graphs.head({ way: 2, support: 2 }).outputs['head.bias']!.shape).toEqual([1, 2]);
    expect(() => graphs.head({ way: 4, support: 4 })).toThrow(
      'a linear head of 3 outputs has no tasks of 4 classes',
    );
  });

  it.each([
    [16, 1],
    [20, 1],
    [28, 1],
    [32, 2],
    [40, 2],
  ])(
    'gives the loss and gradient of the plain network, also with negative gains (side %i, first stride %i)',
    (size, stride) => {
      const { loss, variables, point } = problemOf(size, stride, 3);
      const plain = (pixels: Tensor, weights: Weights): Tensor => plainFeatures(pixels, weights, stride);
      const [actual, expected] = [loss(conv4(size, stride)), loss(plain)].map((value) =>
        evaluate([value, ...gradient(value, variables)], point),
      );
      actual!.forEach((values, i) =>
        values.forEach((value, j) => expect(value).toBeCloseTo(expected![i]![j]!, 9)),
      );
    },
  );

  it('has gradients of order 1 and 2 that agree with central differences in float64', () => {
    const { loss, variables, point } = problemOf(16, 1, 1);
    const names = variables.map((variable) => (variable as Tensor<'input'>).attributes.name);
    for (const { order, relative } of checkGradients(loss(conv4(16, 1)), point, 2, names)) {
      expect(relative, `order ${order}`).toBeLessThan(1e-5);
    }
  });
});
