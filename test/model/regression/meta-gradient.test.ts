import { describe, expect, it } from 'vitest';
import { engineNames } from '../../../engine/options.ts';
import { gradient } from '../../../model/graph/gradient.ts';
import { Graph, inputsOf } from '../../../model/graph/graph.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { drawParameters } from '../../../model/layers/parameter-specification.ts';
import { Programs } from '../../../model/graph/programs.ts';
import { keyFrom, uniform } from '../../../model/random.ts';
import { metaGradientFunction, predictionFunction } from '../../../model/regression/graphs.ts';
import type { Prediction, RegressionMethod } from '../../../model/regression/method.ts';
import { batchOf } from '../../../training/studies/toy/batch.ts';
import { toyConfigurationSchema } from '../../../training/studies/toy/configuration.ts';
import { drawTask } from '../../../training/studies/toy/families.ts';
import { methodOf } from '../../../training/studies/toy/methods/table.ts';
import { checkGradients } from '../../support/check-gradients.ts';
import { executors } from '../../support/executors.ts';
import { stoppedAt } from '../../support/stopped-at.ts';

const size = { tasks: 2, support: 4, query: 3 };
const small = {
  cell: { width: 3, nodes: 2 },
  encoder: { features: 3, state: 4 },
  controller: { hidden: 3 },
  innerLoop: { steps: 2, learningRate: 0.02 },
};
const learner = { layers: 2, width: 4, steps: 2, learningRate: 0.02 };
const rated = { ...learner, rates: 'learned' };

const methods = {
  'M-NAS': { kind: 'm-nas', model: small },
  'M-NAS with set encoder, scale and learned rates': {
    kind: 'm-nas',
    model: {
      ...small,
      encoder: { ...small.encoder, kind: 'set' },
      modulator: { kind: 'scale' },
      innerLoop: { ...small.innerLoop, rates: 'learned' },
    },
  },
  'M-NAS normalised by the batch': { kind: 'm-nas', model: { ...small, normalization: 'batch' } },
  'M-NAS normalised by the support set': { kind: 'm-nas', model: { ...small, normalization: 'support' } },
  'M-NAS-Shared': { kind: 'm-nas', model: { ...small, controller: { kind: 'shared' } } },
  'M-NAS-NM': { kind: 'm-nas', model: { ...small, modulator: { kind: 'none' } } },
  'M-NAS with bidirectional encoder': {
    kind: 'm-nas',
    model: { ...small, encoder: { ...small.encoder, kind: 'bidirectional' } },
  },
  MAML: { kind: 'maml', learner },
  'MT-Net': { kind: 'mt-net', learner },
  MUMOMAML: { kind: 'mumomaml', learner, encoder: small.encoder },
  BMAML: { kind: 'bmaml', learner, particles: 3, leaderSteps: 1 },
  HSML: { kind: 'hsml', learner, encoder: small.encoder },
  'MAML with learned rates': { kind: 'maml', learner: rated },
  'MUMOMAML with learned rates': { kind: 'mumomaml', learner: rated, encoder: small.encoder },
  'HSML without hierarchy, with learned rates': {
    kind: 'hsml',
    learner: rated,
    encoder: small.encoder,
    hierarchy: false,
  },
  'HSML without hierarchy': { kind: 'hsml', learner, encoder: small.encoder, hierarchy: false },
};

function methodNamed(name: keyof typeof methods): RegressionMethod {
  const { method } = toyConfigurationSchema.parse({
    name: 'test',
    seed: 1,
    method: methods[name],
    stages: [{ stage: 'search', iterations: 1 }],
  });
  return methodOf(method, { stage: 'search', stepWeights: [0.4, 0.6], reconstructionWeight: 0.1 });
}

const reading = { xStd: 1, query: 'same' } as const;
const tasks = [1, 2].map((seed) => drawTask(keyFrom(seed), reading, size));

/** Data, parameters and a mask as float64 inputs of the graph; no bias is zero, where dead units have a kink. */
function pointOf(method: RegressionMethod): Record<string, Float64Array> {
  const smooth = method.parameters.map((parameter) => ({
    ...parameter,
    deviation: Math.max(0.3, parameter.deviation),
  }));
  const parameters = drawParameters(smooth, keyFrom(3));
  const values = {
    ...batchOf(tasks, 'drawn'),
    ...parameters,
    mask: new Float32Array(2 * 5 * 3).fill(1),
    noise: Float32Array.from(uniform(keyFrom(4), 2 * (method.noise ?? 0)), (u: number) => 0.05 + 0.9 * u),
  };
  return Object.fromEntries(Object.entries(values).map(([name, data]) => [name, Float64Array.from(data)]));
}

/** Predictions and objective of the method in a new graph. */
function predicted(method: RegressionMethod): Prediction {
  const graph = new Graph();
  const input = (label: string, shape: readonly number[]): Tensor => graph.input(label, shape);
  return method.predict(
    {
      supportX: input('support.x', [2, 4, 1]),
      supportY: input('support.y', [2, 4, 1]),
      queryX: input('query.x', [2, 3, 1]),
      queryY: input('query.y', [2, 3, 1]),
    },
    (label) => input(label, method.parameters.find((parameter) => parameter.name === label)!.shape),
    input,
  );
}

describe.each(Object.keys(methods) as (keyof typeof methods)[])('meta-gradient of %s', (name) => {
  const method = methodNamed(name);

  it('agrees with central differences in float64, of order 1 and 2', () => {
    const { objective } = predicted(method);
    const point = pointOf(method);
    const names = method.parameters.map((parameter) => parameter.name);
    const inputs = inputsOf([objective]);
    const loss = stoppedAt(point, objective);
    for (const { order, relative } of checkGradients(loss, point, 2, names))
      expect(relative, `order ${order}`).toBeLessThan(1e-5);
    const wrt = names.map((label) => inputs[label]!);
    expect(evaluate(gradient(objective, wrt), point)).toEqual(evaluate(gradient(loss, wrt), point));
  });

  it.each(engineNames)('is the same in %s as in the reference interpreter', async (engine) => {
    const executor = executors[engine](4);
    const programs = new Programs(executor, name);
    const values = Object.fromEntries(
      Object.entries(pointOf(method)).map(([label, data]) => [label, Float32Array.from(data)]),
    );
    const result = await programs.run('gradient', () => metaGradientFunction(method, size), values);
    const { errors } = await programs.run('prediction', () => predictionFunction(method, size), values);
    expect(errors).toEqual(result['errors']);
    const exact = metaGradientFunction(method, size).outputs;
    const labels = Object.keys(exact);
    const reference = evaluate(
      labels.map((label) => exact[label]!),
      pointOf(method),
    );
    const widest = (data: ArrayLike<number>): number =>
      Array.from(data).reduce((a, x) => Math.max(a, Math.abs(x)), 0);
    labels.forEach((label, i) => {
      const difference = reference[i]!.map((value, j) => value - result[label]![j]!);
      expect(widest(difference), label).toBeLessThan(1e-4 * Math.max(1, widest(reference[i]!)));
    });
    await executor.dispose();
  });
});
