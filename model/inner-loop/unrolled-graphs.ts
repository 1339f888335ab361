import type { Weights } from '../graph/weights.ts';
import { gradient, partialGradient } from '../graph/gradient.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphFunction } from '../graph/graph.ts';
import { concat, crossEntropy, multiply, slice, stop, subtract } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { exactSteps } from '../configuration.ts';
import { rowOfStep } from './rates.ts';
import type { TaskGraphs } from './step-graphs.ts';
import { inputWeights } from '../graph/variables.ts';
import type { Variable } from '../graph/variables.ts';
import { headLogits, headTensors } from '../head/linear-head.ts';
import type { TaskSize } from '../task/labelled-set.ts';

/** Results of the support set before step k, as a graph's outputs. */
export const fitNames = (step: number): { readonly loss: string; readonly logits: string } => ({
  loss: `support.loss.${step}`,
  logits: `support.logits.${step}`,
});

/** The inner loop of Eq. 8, all its steps in one graph. */
interface Unrolled {
  /** The weights after the last step, by name. */
  readonly adapted: ReadonlyMap<string, Tensor>;
  /** After each step, with those that no step changes; before the first come those that the head was made with. */
  readonly weights: readonly [Weights, ...Weights[]];
  readonly images: Tensor;
  readonly targets: Tensor;
  /** Loss and logits before every step, by `fitNames`. */
  readonly fits: Readonly<Record<string, Tensor>>;
}

/**
 * From the modulated weights `start`: the head is made first, and its features are those of the first step. Derivatives
 * go through the last `exact` steps; earlier ones shift the weights by constants.
 */
function unroll(
  graph: Graph,
  graphs: TaskGraphs,
  { way, support }: TaskSize,
  start: Weights,
  { steps, exact }: { readonly steps: number; readonly exact: number },
): Unrolled {
  const images = graphs.images(graph, 'support', support);
  const targets = graph.input('support.targets', [support, way]);
  const head = graphs.initialHead(
    graph,
    () => graphs.features(images, start, support).features,
    targets,
    start,
  );
  const fits: Record<string, Tensor> = {};
  let adapted = new Map<string, Tensor>([
    ...graphs.body.map(({ name }) => [name, start(name)] as const),
    ...Object.entries(headTensors(head)),
  ]);
  const during =
    (current: ReadonlyMap<string, Tensor>): Weights =>
    (name) =>
      current.get(name) ?? start(name);
  const weights: [Weights, ...Weights[]] = [during(adapted)];
  for (let k = 0; k < steps; k++) {
    const { logits } = graphs.logits(images, weights[k]!, support);
    const loss = crossEntropy(logits, targets);
    const names = fitNames(k);
    fits[names.loss] = loss;
    fits[names.logits] = logits;
    const entries = [...adapted];
    const down = partialGradient(
      loss,
      entries.map(([, value]) => value),
    );
    const rate = graphs.rate(() => rowOfStep(start('inner.rates'), k));
    const moved = entries.map(([name, value], i): [string, Tensor] => {
      const direction = k < steps - exact ? stop(down[i]!) : down[i]!;
      return [name, subtract(value, multiply(direction, rate(name, direction)))];
    });
    adapted = new Map(moved);
    weights.push(during(adapted));
  }
  return { adapted, weights, images, targets, fits };
}

/** What the unrolled graphs start from: the network's weights, the architecture, the head's parameters, the rates. */
const startVariables = (graphs: TaskGraphs): Variable[] => [
  ...graphs.body,
  ...graphs.mixes,
  ...graphs.headParameters,
  ...graphs.rates,
];

/** The query set of an unrolled graph. */
interface QuerySet {
  readonly query: number;
  readonly statistics: 'support' | 'batch';
}

/**
 * The whole of Eq. 8 and 9 as one graph: the query set's `loss` and `logits` after the inner loop, the support set's
 * before every step (`fitNames`), and the gradients of the outer loss for the weights before the head was made of them, the
 * architecture, the head's parameters and the rates. It computes once what the stepwise graphs compute twice, but grows with the
 * number of steps, and keeps the activations of them all.
 */
export function unrolledFunction(
  graphs: TaskGraphs,
  size: TaskSize,
  { query, statistics }: QuerySet,
): GraphFunction {
  const graph = new Graph();
  const wrt = startVariables(graphs);
  const start = inputWeights(graph, wrt);
  const { steps } = graphs.configuration.innerLoop;
  const asked = graphs.images(graph, 'query', query);
  const { logits, fits } =
    steps === 0 && statistics === 'support'
      ? { logits: unadaptedLogits(graph, graphs, size, start, asked), fits: {} }
      : adaptedLogits(graph, graphs, size, start, { asked, steps, statistics });
  const targets = graph.input('query.targets', [query, size.way]);
  const loss = crossEntropy(logits, targets);
  const gradients = gradient(
    loss,
    wrt.map(({ name }) => start(name)),
  );
  const named = Object.fromEntries(wrt.map(({ name }, i) => [name, gradients[i]!]));
  return { name: 'unrolled-meta-gradient', outputs: { loss, logits, ...fits, ...named } };
}

interface Asked extends Omit<QuerySet, 'query'> {
  readonly asked: Tensor;
  readonly steps: number;
}

/** Logits of the images `asked` after the inner loop. */
function adaptedLogits(
  graph: Graph,
  graphs: TaskGraphs,
  size: TaskSize,
  start: Weights,
  { asked, steps, statistics }: Asked,
): { readonly logits: Tensor; readonly fits: Readonly<Record<string, Tensor>> } {
  const exact = exactSteps(graphs.configuration);
  const { weights, images, fits } = unroll(graph, graphs, size, start, { steps, exact });
  const count = asked.shape[0]!;
  const last = weights.at(-1)!;
  const logits =
    statistics === 'support'
      ? slice(graphs.logits(concat([images, asked], 0), last, size.support).logits, 0, size.support, count)
      : graphs.logits(asked, last, count).logits;
  return { logits, fits };
}

/** The same without a step: the pass that normalises the images by the support set gives the head its features, too. */
function unadaptedLogits(
  graph: Graph,
  graphs: TaskGraphs,
  { way, support }: TaskSize,
  start: Weights,
  asked: Tensor,
): Tensor {
  const images = concat([graphs.images(graph, 'support', support), asked], 0);
  const { features } = graphs.features(images, start, support);
  const targets = graph.input('support.targets', [support, way]);
  const head = graphs.initialHead(graph, () => slice(features, 0, 0, support), targets, start);
  return headLogits(slice(features, 0, support, asked.shape[0]!), head);
}

/**
 * The adaptation of a support set (Eq. 8) as one graph: the adapted weights by name, loss and logits before every step
 * (`fitNames`) and after the last (`loss`, `logits`), the `features` of the support set then, and the statistics that the
 * exported network carries.
 */
export function adaptationFunction(graphs: TaskGraphs, size: TaskSize, steps: number): GraphFunction {
  const graph = new Graph();
  const start = inputWeights(graph, startVariables(graphs));
  const { adapted, weights, images, targets, fits } = unroll(graph, graphs, size, start, {
    steps,
    exact: steps,
  });
  const last = weights.at(-1)!;
  return {
    name: 'adaptation',
    outputs: { ...Object.fromEntries(adapted), ...fits, ...fitted(graphs, images, targets, last) },
  };
}

/**
 * What the service keeps of a support set whose adapted weights are given: `loss`, `logits` and `features`, and the
 * statistics that the exported network carries.
 */
export function fittedFunction(graphs: TaskGraphs, { way, support }: TaskSize): GraphFunction {
  const graph = new Graph();
  const weights = inputWeights(graph, [...graphs.adapted(way), ...graphs.mixes]);
  const images = graphs.images(graph, 'support', support);
  const targets = graph.input('support.targets', [support, way]);
  return { name: 'fitted', outputs: fitted(graphs, images, targets, weights) };
}

function fitted(
  graphs: TaskGraphs,
  images: Tensor,
  targets: Tensor,
  weights: Weights,
): Readonly<Record<string, Tensor>> {
  const { logits, features, normalizer } = graphs.logits(images, weights, targets.shape[0]!);
  const statistics = normalizer.statistics.flatMap(({ name, mean, inverse }) => [
    [`mean.${name}`, mean] as const,
    [`inverse.${name}`, inverse] as const,
  ]);
  return { ...Object.fromEntries(statistics), loss: crossEntropy(logits, targets), logits, features };
}
