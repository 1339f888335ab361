import { gradient } from '../graph/gradient.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphFunction } from '../graph/graph.ts';
import type { Tensor } from '../graph/primitives.ts';
import { lookup } from './inner-loop.ts';
import type { RegressionMethod } from './method.ts';
import { taskErrors } from './tensors.ts';
import type { RegressionTasks } from './tensors.ts';

/** Tasks side by side and the points of each. */
export interface RegressionSize {
  readonly tasks: number;
  readonly support: number;
  readonly query: number;
}

/** The named inputs of a meta-batch: `support.x`, `support.y`, `query.x`, `query.y`, each [t, n, 1]. */
function taskInputs(graph: Graph, { tasks, support, query }: RegressionSize): RegressionTasks {
  return {
    supportX: graph.input('support.x', [tasks, support, 1]),
    supportY: graph.input('support.y', [tasks, support, 1]),
    queryX: graph.input('query.x', [tasks, query, 1]),
    queryY: graph.input('query.y', [tasks, query, 1]),
  };
}

interface Built {
  readonly theta: readonly { readonly name: string; readonly tensor: Tensor }[];
  readonly predictions: Tensor;
  readonly errors: Tensor;
  readonly objective: Tensor;
}

function build(method: RegressionMethod, size: RegressionSize): Built {
  const graph = new Graph();
  const tasks = taskInputs(graph, size);
  const theta = method.parameters.map(({ name, shape }) => ({ name, tensor: graph.input(name, shape) }));
  const weights = lookup(Object.fromEntries(theta.map(({ name, tensor }) => [name, tensor])));
  const extra = (name: string, shape: readonly number[]): Tensor => graph.input(name, shape);
  const { predictions, objective } = method.predict(tasks, weights, extra);
  const errors = taskErrors(predictions, tasks.queryY);
  return { theta, objective, predictions, errors };
}

/** Adaptation and prediction: outputs `predictions` [t, m, 1], `errors` [t, 1, 1]. */
export function predictionFunction(method: RegressionMethod, size: RegressionSize): GraphFunction {
  const { predictions, errors } = build(method, size);
  return { name: 'regression', outputs: { predictions, errors } };
}

/**
 * The exact meta-gradient of a meta-batch (Eq. 9) as one unrolled graph: `objective` and `errors`, and the gradient of
 * every parameter that the objective depends on under its name.
 */
export function metaGradientFunction(method: RegressionMethod, size: RegressionSize): GraphFunction {
  const { theta, objective, errors } = build(method, size);
  const gradients = gradient(
    objective,
    theta.map(({ tensor }) => tensor),
  );
  return {
    name: 'regression-meta-gradient',
    outputs: {
      objective,
      errors,
      ...Object.fromEntries(theta.map(({ name }, i) => [name, gradients[i]!])),
    },
  };
}
