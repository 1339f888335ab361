import { describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../engine/onnxruntime.ts';
import { conv4 } from '../../model/conv4.ts';
import { gradient, innerProduct } from '../../model/graph/gradient.ts';
import { Graph, inputsOf } from '../../model/graph/graph.ts';
import {
  add,
  broadcast,
  conv,
  matmul,
  maxPool,
  multiply,
  normalize,
  relu,
  reshape,
  transpose,
} from '../../model/graph/operations.ts';
import type { Tensor } from '../../model/graph/primitives.ts';
import { evaluate } from '../../model/graph/reference/interpreter.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { lossOf, unrolledMetaGradient, weightInputs } from '../../model/maml.ts';
import type { Learner } from '../../model/maml.ts';
import { Programs } from '../../model/programs.ts';
import { checkGradients } from '../support/check-gradients.ts';
import type { Point } from '../support/check-gradients.ts';
import { randomArray } from '../support/random.ts';

const way = 2;
const learner = conv4({ size: 16, way, filters: 2 });
const inner = { support: 2, query: 4, steps: 2, learningRate: 0.05 };

/** Random weights with a negative gain among them, random images, labels in turn. */
function samplePoint(of: Learner, seed: number): Record<string, Float64Array> {
  const weights = of.weights.map(({ name, shape }, i): [string, Float64Array] => [
    name,
    randomArray(sizeOf(shape), seed + i).map((value, j) =>
      name.startsWith('gain') ? (j % 2 === 0 ? 1 : -0.7) + 0.1 * value : 0.5 * value,
    ),
  ]);
  const sets = (['support', 'query'] as const).flatMap((set, i): [string, Float64Array][] => [
    [`${set}.images`, randomArray(inner[set] * 3 * 16 * 16, seed + 50 + i)],
    [
      `${set}.targets`,
      Float64Array.from({ length: inner[set] * way }, (_, at) =>
        Number(at % way === Math.floor(at / way) % way),
      ),
    ],
  ]);
  return Object.fromEntries([...weights, ...sets]);
}

/** The network as the PyTorch script writes it: one operation after the other, in [n, c, h, w]. */
function plainLogits(images: Tensor, weight: (name: string) => Tensor): Tensor {
  let x = images;
  for (let i = 0; i < 4; i++) {
    const kernel = reshape(weight(`conv.${i}`), [2, x.shape[1]!, 3, 3]);
    const planes = transpose(conv(x, kernel, { padding: 1 }), [1, 0, 2, 3]);
    const rows = reshape(planes, [2, sizeOf(planes.shape) / 2]);
    const scaled = multiply(normalize(rows, 1e-5), broadcast(weight(`gain.${i}`), rows.shape));
    const shifted = reshape(add(scaled, broadcast(weight(`bias.${i}`), rows.shape)), planes.shape);
    x = maxPool(relu(transpose(shifted, [1, 0, 2, 3])), { kernel: 2, stride: 2, padding: 0 });
  }
  const logits = matmul(
    reshape(x, [x.shape[0]!, sizeOf(x.shape.slice(1))]),
    weight('head.weight'),
    false,
    true,
  );
  return add(logits, broadcast(weight('head.bias'), logits.shape));
}

/** The same meta-gradient by hand-made reverse, one Hessian-vector product a step, in float64. */
function stepwiseMetaGradient(point: Point): Float64Array[] {
  const names = learner.weights.map(({ name }) => name);
  const variables = weightInputs(new Graph(), learner);
  const { graph } = variables[0]!;
  const gradients = gradient(lossOf(learner, variables, 'support', inner.support), variables);
  const trajectory: Point[] = [point];
  for (let k = 0; k < inner.steps; k++) {
    const values = evaluate(gradients, trajectory[k]!);
    const next = names.map((name, i): [string, Float64Array] => [
      name,
      trajectory[k]![name]!.map((value, j) => value - inner.learningRate * values[i]![j]!),
    ]);
    trajectory.push({ ...point, ...Object.fromEntries(next) });
  }
  const outer = gradient(lossOf(learner, variables, 'query', inner.query), variables);
  let v = evaluate(outer, trajectory[inner.steps]!);
  const directions = learner.weights.map(({ name, shape }) => graph.input(`v.${name}`, shape));
  const products = gradient(innerProduct(gradients, directions), variables);
  for (let k = inner.steps - 1; k >= 0; k--) {
    const given = Object.fromEntries(names.map((name, i) => [`v.${name}`, v[i]!]));
    const hv = evaluate(products, { ...trajectory[k]!, ...given });
    v = v.map((value, i) => value.map((x, j) => x - inner.learningRate * hv[i]![j]!));
  }
  return v;
}

describe('conv4', () => {
  it('has the number of weights of the PyTorch script', () => {
    const count = conv4({ size: 28, way: 5, filters: 32 }).weights.reduce(
      (n, { shape }) => n + sizeOf(shape),
      0,
    );
    expect(count).toBe(28933);
  });

  it('refuses sides that it cannot halve', () => {
    expect(() => conv4({ size: 27, way: 5, filters: 32 })).toThrow(RangeError);
    expect(() => conv4({ size: 14, way: 5, filters: 32 })).toThrow(RangeError);
  });

  it.each([16, 28])(
    'gives the loss and gradient of the plain network, also with negative gains (side %i)',
    (size) => {
      const tuned = conv4({ size, way, filters: 2 });
      const variables = weightInputs(new Graph(), tuned);
      const plain: Learner = { ...tuned, logits: plainLogits };
      const losses = [tuned, plain].map((network) => lossOf(network, variables, 'support', inner.support));
      const point = {
        ...samplePoint(tuned, 3),
        'support.images': randomArray(inner.support * 3 * size ** 2, 1),
      };
      const [actual, expected] = losses.map((loss) => evaluate([loss, ...gradient(loss, variables)], point));
      actual!.forEach((values, i) =>
        values.forEach((value, j) => expect(value).toBeCloseTo(expected![i]![j]!, 9)),
      );
    },
  );

  it('has gradients of order 1 and 2 that agree with central differences in float64', () => {
    const variables = weightInputs(new Graph(), learner);
    const loss = lossOf(learner, variables, 'support', inner.support);
    const names = learner.weights.map(({ name }) => name);
    for (const { order, relative } of checkGradients(loss, samplePoint(learner, 7), 2, names)) {
      expect(relative, `order ${order}`).toBeLessThan(1e-5);
    }
  });
});

describe('unrolledMetaGradient', () => {
  const { outputs } = unrolledMetaGradient(learner, inner);
  const point = samplePoint(learner, 11);
  const exact = evaluate(Object.values(outputs), point);

  it('agrees with reverse through the inner loop by Hessian-vector products', () => {
    const stepwise = stepwiseMetaGradient(point);
    stepwise.forEach((values, i) =>
      values.forEach((value, j) => expect(exact[i + 1]![j]).toBeCloseTo(value, 9)),
    );
  });

  it('agrees with a central difference of the loss after the inner loop', () => {
    const names = learner.weights.map(({ name }) => name);
    const [error] = checkGradients(outputs['loss']!, point, 1, names);
    expect(error!.relative).toBeLessThan(1e-5);
  });

  it('is the same in onnxruntime', async () => {
    const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 1 });
    const inputs = Object.keys(inputsOf(Object.values(outputs)));
    const values = Object.fromEntries(inputs.map((name) => [name, Float32Array.from(point[name]!)]));
    const results = await new Programs(executor, 'test').run(
      'unrolled',
      () => ({ name: 'unrolled', outputs }),
      values,
    );
    await executor.dispose();
    Object.keys(outputs).forEach((name, i) =>
      results[name]!.forEach((value, j) => expect(Math.abs(value - exact[i]![j]!)).toBeLessThan(2e-4)),
    );
  });
});
