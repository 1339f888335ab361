import { gradient } from '../../../../model/graph/gradient.ts';
import { Graph } from '../../../../model/graph/graph.ts';
import type { GraphFunction } from '../../../../model/graph/graph.ts';
import { crossEntropy } from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { inputWeights } from '../../../../model/graph/variables.ts';
import type { TaskSize } from '../../../../model/task/labelled-set.ts';
import type { ImageMethod, ImagePrediction, Statistics, TaskTensors } from './method.ts';

/** Static shape of a task: its images have `side` pixels a side. */
export interface TaskGraphSize extends TaskSize {
  readonly query: number;
  readonly side: number;
}

/**
 * A method on one task in a new graph, with the inputs `support.images`, `support.targets`, `query.images`,
 * `query.targets`, the tensors of Θ by name and, where the method has some, `noise` [1, n].
 */
export function predicted(
  method: ImageMethod,
  { side, query, ...size }: TaskGraphSize,
): { readonly prediction: ImagePrediction; readonly task: TaskTensors; readonly theta: readonly Tensor[] } {
  const graph = new Graph();
  const images = (name: string, count: number): Tensor =>
    graph.input(`${name}.images`, [count, 3, side, side]);
  const targets = (name: string, count: number): Tensor => graph.input(`${name}.targets`, [count, size.way]);
  const task = {
    size,
    support: images('support', size.support),
    targets: targets('support', size.support),
    query: images('query', query),
    queryTargets: targets('query', query),
  };
  const theta = inputWeights(graph, method.parameters);
  const prediction = method.predict(task, theta, () => graph.input('noise', [1, method.noise ?? 0]));
  return { prediction, task, theta: method.parameters.map(({ name }) => theta(name)) };
}

/**
 * The exact meta-gradient of one task as one unrolled graph: `loss` and `logits` of the query set, normalised as in
 * training, and the gradient of what the method minimises for every tensor of Θ under its name.
 */
export function metaGradientFunction(
  method: ImageMethod,
  size: TaskGraphSize,
  statistics: Statistics,
): GraphFunction {
  const { prediction, task, theta } = predicted(method, size);
  const logits = prediction.logits(statistics);
  const gradients = gradient(prediction.objective(), theta);
  const named = method.parameters.map(({ name }, i) => [name, gradients[i]!] as const);
  return {
    name: 'baseline-meta-gradient',
    outputs: { loss: crossEntropy(logits, task.queryTargets), logits, ...Object.fromEntries(named) },
  };
}

/** Adaptation and answers: outputs `served`, with `transductive` that too, and `embedding` where there is one. */
export function answersFunction(
  method: ImageMethod,
  size: TaskGraphSize,
  transductive: boolean,
): GraphFunction {
  const { embedding, logits } = predicted(method, size).prediction;
  return {
    name: 'baseline-answers',
    outputs: {
      served: logits('support'),
      ...(transductive ? { transductive: logits('batch') } : {}),
      ...(embedding ? { embedding } : {}),
    },
  };
}
