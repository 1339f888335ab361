import type { Stage } from '../configuration.ts';
import type { Weights } from '../graph/weights.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphFunction } from '../graph/graph.ts';
import {
  add,
  broadcast,
  concat,
  divide,
  multiply,
  relu,
  reshape,
  sigmoid,
  slice,
  softmax,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { sizeOf } from '../graph/shapes.ts';
import { dense } from '../layers/primitive-layers.ts';
import { denseSpecifications } from '../layers/parameter-specification.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { cellNetwork, cellSpecifications, regressionEdges, regressionOperations } from './cell.ts';
import type { RegressionConfiguration } from './configuration.ts';
import { encodeTasks, encoderSpecifications } from './encoder.ts';
import { innerLoop, lookup, queryLoss } from './inner-loop.ts';
import type { TaskWeights } from './inner-loop.ts';
import { innerRate, rateSpecifications } from './inner-rates.ts';
import type { ExtraInput, Prediction, RegressionMethod } from './method.ts';
import { noNormalization, normalizationBy } from './normalization.ts';
import { perTask } from './tensors.ts';
import type { RegressionTasks } from './tensors.ts';

export interface RegressionTraining {
  /**
   * Where the architecture comes from. `search`: the controller's α, with path dropout by the input `mask`; `tune`: the
   * input `chosen` (one-hot), whose cotangents go straight through to α; `retrain`: `chosen` alone.
   */
  readonly stage: Stage;
  /** Weights of the query error after each inner step (MAML++'s multi-step loss); empty: after the last one only. */
  readonly stepWeights: readonly number[];
  /** β of Eq. 9. */
  readonly reconstructionWeight: number;
}

export const finalTraining: RegressionTraining = {
  stage: 'retrain',
  stepWeights: [],
  reconstructionWeight: 0,
};

/** Θ = {W_E, W_A, W_M, w̃} and, if learned, the inner rates. */
export function mnasSpecifications(configuration: RegressionConfiguration): ParameterSpecification[] {
  const { encoder, controller, modulator, innerLoop: inner } = configuration;
  const weights = cellSpecifications(configuration);
  const alphas = regressionEdges(configuration) * regressionOperations.length;
  const factors = weights.reduce((total, { shape }) => total + sizeOf(shape), 0);
  return [
    ...(embeds(configuration) ? encoderSpecifications(encoder) : []),
    ...(controller.kind === 'shared'
      ? [
          {
            name: 'controller.alpha',
            shape: [1, alphas],
            group: 'controller' as const,
            deviation: 1e-3,
            mean: 0,
          },
        ]
      : [
          ...denseSpecifications('controller', 'controller.hidden', encoder.state, controller.hidden),
          ...denseSpecifications('controller', 'controller.alpha', controller.hidden, alphas, 0.1),
        ]),
    ...(modulator.kind === 'none'
      ? []
      : denseSpecifications('modulator', 'modulator', encoder.state, factors, 0)),
    ...weights,
    ...rateSpecifications(inner, weights),
  ];
}

/** Whether anything depends on the task embedding. */
export const embeds = ({ controller, modulator }: RegressionConfiguration): boolean =>
  controller.kind === 'task-aware' || modulator.kind !== 'none';

/** α_i = A(z_i): architecture weights [t, edges, 3], rows that sum to one. */
export function regressionArchitecture(
  configuration: RegressionConfiguration,
  embedding: Tensor | null,
  tasks: number,
  theta: Weights,
): Tensor {
  const edges = regressionEdges(configuration);
  const width = regressionOperations.length;
  if (!embedding || configuration.controller.kind === 'shared')
    return perTask(softmax(reshape(theta('controller.alpha'), [edges, width])), tasks);
  const hidden = relu(dense(embedding, theta('controller.hidden.weight'), theta('controller.hidden.bias')));
  const logits = dense(hidden, theta('controller.alpha.weight'), theta('controller.alpha.bias'));
  return softmax(reshape(logits, [tasks, edges, width]));
}

/** w̃_i = τ_i ⊙ w̃ (Eq. 7), τ of every single weight by one fully connected layer; a new modulator gives τ = 1. */
export function modulateCell(
  configuration: RegressionConfiguration,
  embedding: Tensor | null,
  tasks: number,
  theta: Weights,
): TaskWeights {
  const specifications = cellSpecifications(configuration);
  const { kind } = configuration.modulator;
  if (!embedding || kind === 'none')
    return Object.fromEntries(specifications.map(({ name }) => [name, perTask(theta(name), tasks)]));
  const linear = dense(embedding, theta('modulator.weight'), theta('modulator.bias'));
  const factors = kind === 'gate' ? multiply(sigmoid(linear), 2) : add(linear, 1); // [t, weights]
  let start = 0;
  return Object.fromEntries(
    specifications.map(({ name, shape }) => {
      const factor = reshape(slice(factors, 1, start, sizeOf(shape)), [tasks, ...shape]);
      start += sizeOf(shape);
      return [name, multiply(factor, perTask(theta(name), tasks))];
    }),
  );
}

/** The architecture that a stage runs with, [t, edges, 3]. */
function stageArchitecture(stage: Stage, alpha: Tensor, extra: ExtraInput): Tensor {
  if (stage === 'retrain') return extra('chosen', alpha.shape);
  if (stage === 'tune') return add(alpha, extra('chosen.offset', alpha.shape));
  const kept = multiply(alpha, extra('mask', alpha.shape));
  return divide(kept, broadcast(sum(kept, [2]), kept.shape));
}

/** M-NAS, M-NAS-Shared and M-NAS-NM on regression tasks, by configuration. */
export function mnas(configuration: RegressionConfiguration, training: RegressionTraining): RegressionMethod {
  return {
    parameters: mnasSpecifications(configuration),
    predict: (tasks, theta, extra) => predictTasks(configuration, training, tasks, theta, extra),
  };
}

function predictTasks(
  configuration: RegressionConfiguration,
  { stage, stepWeights, reconstructionWeight }: RegressionTraining,
  { supportX, supportY, queryX, queryY }: RegressionTasks,
  theta: Weights,
  extra: ExtraInput,
): Prediction {
  const [tasks, support] = supportX.shape as [number, number];
  const embedded = embeds(configuration)
    ? encodeTasks(configuration.encoder, supportX, supportY, theta)
    : null;
  const embedding = embedded?.embedding ?? null;
  const alpha = regressionArchitecture(configuration, embedding, tasks, theta);
  const used = stageArchitecture(stage, alpha, extra);
  const start = modulateCell(configuration, embedding, tasks, theta);
  const { normalization, innerLoop: inner } = configuration;
  const normalizer = (points: number) =>
    normalization === 'none' ? noNormalization : normalizationBy(points);
  const trajectory = innerLoop(
    (x, weights) => cellNetwork(configuration, x, weights, used, normalizer(support)),
    start,
    supportX,
    supportY,
    { steps: inner.steps, rate: innerRate(inner, cellSpecifications(configuration), theta) },
  );
  const query = (weights: TaskWeights): Tensor => {
    if (normalization !== 'support')
      return cellNetwork(configuration, queryX, lookup(weights), used, normalizer(queryX.shape[1]!));
    const both = concat([supportX, queryX], 1);
    const all = cellNetwork(configuration, both, lookup(weights), used, normalizer(support));
    return slice(all, 1, support, queryX.shape[1]!);
  };
  const { predictions, objective } = queryLoss(trajectory, query, queryY, stepWeights);
  return embedded && reconstructionWeight > 0
    ? { predictions, objective: add(objective, multiply(embedded.reconstruction(), reconstructionWeight)) }
    : { predictions, objective };
}

/** Θ as inputs of a graph, by name; only what is asked for is declared. */
export function parameterInputs(graph: Graph, configuration: RegressionConfiguration): Weights {
  const shapes = new Map(mnasSpecifications(configuration).map(({ name, shape }) => [name, shape]));
  return (name) => graph.input(name, shapes.get(name)!);
}

/** Controller and encoder alone: outputs `alpha` [t, edges, 3] and, where there is one, `embedding` [t, state]. */
export function architectureFunction(
  configuration: RegressionConfiguration,
  { tasks, support }: { readonly tasks: number; readonly support: number },
): GraphFunction {
  const graph = new Graph();
  const theta = parameterInputs(graph, configuration);
  const point = (name: string): Tensor => graph.input(name, [tasks, support, 1]);
  const embedded = embeds(configuration)
    ? encodeTasks(configuration.encoder, point('support.x'), point('support.y'), theta)
    : null;
  const alpha = regressionArchitecture(configuration, embedded?.embedding ?? null, tasks, theta);
  return {
    name: 'regression-architecture',
    outputs: { alpha, ...(embedded ? { embedding: embedded.embedding } : {}) },
  };
}
