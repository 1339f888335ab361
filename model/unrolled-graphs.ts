import type { Weights } from './cell.ts';
import { partialGradient, vectorJacobian } from './graph/gradient.ts';
import { Graph } from './graph/graph.ts';
import type { GraphFunction } from './graph/graph.ts';
import { add, concat, crossEntropy, multiply, slice, subtract } from './graph/operations.ts';
import type { Tensor } from './graph/primitives.ts';
import { exactSteps } from './configuration.ts';
import type { TaskGraphs } from './task-graphs.ts';
import { inputWeights } from './variables.ts';
import type { TaskSize, Variable } from './variables.ts';

/** Results of the support set before step k, as a graph's outputs. */
export const fitNames = (step: number): { readonly loss: string; readonly logits: string } => ({
  loss: `support.loss.${step}`,
  logits: `support.logits.${step}`,
});

/** The adapted weights by name, the head's last. */
type Adapted = ReadonlyMap<string, Tensor>;

/** The inner loop of Eq. 8, all its steps in one graph. */
interface Unrolled {
  /** Before the first step and after every one. */
  readonly trajectory: readonly Adapted[];
  /** After the last step, with what no step changes. */
  readonly weights: Weights;
  readonly images: Tensor;
  readonly targets: Tensor;
  /** Loss and logits before every step, by `fitNames`. */
  readonly fits: Readonly<Record<string, Tensor>>;
}

/** From the modulated weights `start`: the head is made first, and its features are those of the first step. */
function unroll(
  graph: Graph,
  graphs: TaskGraphs,
  { way, support }: TaskSize,
  start: Weights,
  steps: number,
): Unrolled {
  const { learningRate } = graphs.configuration.innerLoop;
  const body = graphs.adapted(way).slice(0, -2);
  const images = graphs.images(graph, 'support', support);
  const targets = graph.input('support.targets', [support, way]);
  const head = graphs.initialHead(graph, () => images, targets, start);
  const fits: Record<string, Tensor> = {};
  const trajectory: Adapted[] = [
    new Map<string, Tensor>([
      ...body.map(({ name }) => [name, start(name)] as const),
      ['head.weight', head.weight],
      ['head.bias', head.bias],
    ]),
  ];
  const during =
    (current: Adapted): Weights =>
    (name) =>
      current.get(name) ?? start(name);
  for (let k = 0; k < steps; k++) {
    const { logits } = graphs.logits(images, during(trajectory[k]!), support);
    const loss = crossEntropy(logits, targets);
    const names = fitNames(k);
    fits[names.loss] = loss;
    fits[names.logits] = logits;
    const entries = [...trajectory[k]!];
    const down = partialGradient(
      loss,
      entries.map(([, value]) => value),
    );
    trajectory.push(
      new Map(entries.map(([name, value], i) => [name, subtract(value, multiply(down[i]!, learningRate))])),
    );
  }
  return { trajectory, weights: during(trajectory[steps]!), images, targets, fits };
}

/** What the unrolled graphs start from: the network's weights, the architecture, the head's parameters. */
const startVariables = (graphs: TaskGraphs, way: number): Variable[] => [
  ...graphs.adapted(way).slice(0, -2),
  ...graphs.mixes,
  ...graphs.headParameters(),
];

/**
 * The loss's gradients for what the loop started from. The last `innerLoop.exactSteps` steps are differentiated, earlier
 * ones taken for shifts by a constant; so is the whole loop by 0, which is first-order MAML. The head, in any case, is
 * differentiated through the features that it was made of.
 */
function startGradients(
  loss: Tensor,
  graphs: TaskGraphs,
  trajectory: readonly Adapted[],
  start: Weights,
  way: number,
): Record<string, Tensor> {
  const variables = startVariables(graphs, way);
  const cut = trajectory[trajectory.length - 1 - exactSteps(graphs.configuration)]!;
  const names = [...cut.keys()];
  const others = variables.filter(({ name }) => !cut.has(name));
  const partial = partialGradient(loss, [...cut.values(), ...others.map(({ name }) => start(name))]);
  const direct = new Map([...names, ...others.map(({ name }) => name)].map((name, i) => [name, partial[i]!]));
  const head = ['head.weight', 'head.bias'].map((name) => ({
    output: trajectory[0]!.get(name)!,
    cotangent: direct.get(name)!,
  }));
  const throughHead = vectorJacobian(
    head,
    variables.map(({ name }) => start(name)),
  );
  return Object.fromEntries(
    variables.map(({ name }, i) => [name, add(direct.get(name)!, throughHead[i]!)] as const),
  );
}

/**
 * The whole of Eq. 8 and 9 as one graph: the query set's `loss` and `logits` after the inner loop, the support set's
 * before every step (`fitNames`), and the loss's gradients for the weights before the head was made of them, the
 * architecture and the head's parameters. It computes once what the stepwise graphs compute twice, but grows with the
 * number of steps, and keeps the activations of them all.
 */
export function unrolledFunction(
  graphs: TaskGraphs,
  size: TaskSize,
  query: number,
  statistics: 'support' | 'batch',
): GraphFunction {
  const { way, support } = size;
  const graph = new Graph();
  const start = inputWeights(graph, startVariables(graphs, way));
  const { steps } = graphs.configuration.innerLoop;
  const { trajectory, weights, images, fits } = unroll(graph, graphs, size, start, steps);
  const asked = graphs.images(graph, 'query', query);
  const logits =
    statistics === 'support'
      ? slice(graphs.logits(concat([images, asked], 0), weights, support).logits, 0, support, query)
      : graphs.logits(asked, weights, query).logits;
  const loss = crossEntropy(logits, graph.input('query.targets', [query, way]));
  const gradients = startGradients(loss, graphs, trajectory, start, way);
  return { name: 'unrolled-meta-gradient', outputs: { loss, logits, ...fits, ...gradients } };
}

/**
 * The adaptation of a support set (Eq. 8) as one graph: the adapted weights by name, loss and logits before every step
 * (`fitNames`) and after the last (`loss`, `logits`), and the statistics that the exported network carries.
 */
export function adaptationFunction(graphs: TaskGraphs, size: TaskSize, steps: number): GraphFunction {
  const graph = new Graph();
  const start = inputWeights(graph, startVariables(graphs, size.way));
  const { trajectory, weights, images, targets, fits } = unroll(graph, graphs, size, start, steps);
  const { logits, normalizer } = graphs.logits(images, weights, size.support);
  const loss = crossEntropy(logits, targets);
  const statistics = normalizer.statistics.flatMap(({ name, mean, inverse }) => [
    [`mean.${name}`, mean] as const,
    [`inverse.${name}`, inverse] as const,
  ]);
  return {
    name: 'adaptation',
    outputs: { ...Object.fromEntries(trajectory[steps]!), ...Object.fromEntries(statistics), ...fits, loss, logits },
  };
}
