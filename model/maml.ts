import { gradient } from './graph/gradient.ts';
import { Graph } from './graph/graph.ts';
import type { GraphFunction } from './graph/graph.ts';
import { crossEntropy, multiply, subtract } from './graph/operations.ts';
import type { Tensor } from './graph/primitives.ts';
import type { Shape } from './graph/shapes.ts';
import { undeclared } from './variables.ts';

/** A weight that the inner loop adapts. */
export interface LearnerWeight {
  readonly name: string;
  readonly shape: Shape;
  /** Initial values: normal with this deviation around `mean`. */
  readonly deviation: number;
  readonly mean: number;
}

/** A network that MAML adapts: its weights, and its logits [n, way] of images [n, 3, s, s]. */
export interface Learner {
  readonly weights: readonly LearnerWeight[];
  readonly imageSize: number;
  readonly way: number;
  readonly logits: (images: Tensor, weight: (name: string) => Tensor) => Tensor;
}

/** Images in both sets of a task, and the inner loop's SGD steps and learning rate ρ. */
export interface InnerLoop {
  readonly support: number;
  readonly query: number;
  readonly steps: number;
  readonly learningRate: number;
}

/** The tensors of `learner.weights`, as named inputs of `graph`. */
export const weightInputs = (graph: Graph, learner: Learner): Tensor[] =>
  learner.weights.map(({ name, shape }) => graph.input(name, shape));

/** Mean cross-entropy of a labelled set with the given weights; reads the inputs `<set>.images` and `<set>.targets`. */
export function lossOf(
  learner: Learner,
  values: readonly Tensor[],
  set: 'support' | 'query',
  images: number,
): Tensor {
  const { graph } = values[0]!;
  const byName = new Map(learner.weights.map(({ name }, i) => [name, values[i]!]));
  const weight = (name: string): Tensor => byName.get(name) ?? undeclared(name);
  const x = graph.input(`${set}.images`, [images, 3, learner.imageSize, learner.imageSize]);
  return crossEntropy(learner.logits(x, weight), graph.input(`${set}.targets`, [images, learner.way]));
}

/**
 * The exact second-order MAML meta-gradient (Finn et al. 2017) as one unrolled graph: outputs `loss` of the query set
 * after the inner loop, and its gradient for every initial weight, by name. For networks of few nodes only: the graph
 * grows with the steps (docs/adr/0001-engine.md).
 */
export function unrolledMetaGradient(learner: Learner, inner: InnerLoop): GraphFunction {
  const initial = weightInputs(new Graph(), learner);
  let values: readonly Tensor[] = initial;
  for (let step = 0; step < inner.steps; step++) {
    const gradients = gradient(lossOf(learner, values, 'support', inner.support), values);
    values = values.map((value, i) => subtract(value, multiply(gradients[i]!, inner.learningRate)));
  }
  const loss = lossOf(learner, values, 'query', inner.query);
  const gradients = gradient(loss, initial);
  return {
    name: 'unrolled-meta-gradient',
    outputs: { loss, ...Object.fromEntries(learner.weights.map(({ name }, i) => [name, gradients[i]!])) },
  };
}
