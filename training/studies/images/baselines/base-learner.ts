import type { ModelConfiguration } from '../../../../model/configuration.ts';
import { partialGradient } from '../../../../model/graph/gradient.ts';
import { concat, crossEntropy, multiply, slice, subtract } from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { undeclared } from '../../../../model/graph/variables.ts';
import type { Weights } from '../../../../model/graph/weights.ts';
import { headTensors } from '../../../../model/head/linear-head.ts';
import { TaskGraphs } from '../../../../model/inner-loop/step-graphs.ts';
import type { Statistics, TaskTensors } from './method.ts';

/** What a task adapts, by name: the network's weights, and its head's. */
export type AdaptedWeights = Readonly<Record<string, Tensor>>;

/** What a step of the inner loop is, beside its gradient. */
export interface InnerOptions {
  /** What the network is run with, of the weights that are adapted; those themselves by default. */
  readonly used?: (weights: Weights) => Weights;
  /** The direction of a step, of a weight's gradient; the gradient itself by default. */
  readonly direction?: (name: string, gradient: Tensor) => Tensor;
}

const same = <T>(x: T): T => x;

/** Weights that are there already. @throws Error where one is asked for that is not */
export const among =
  (weights: AdaptedWeights): Weights =>
  (name) =>
    weights[name] ?? undeclared(name);

/** The base learner of the baselines, MAML's four convolutions, with the graphs that MAML's own row runs. */
export class BaseLearner {
  readonly #graphs: TaskGraphs;

  constructor(model: ModelConfiguration) {
    this.#graphs = new TaskGraphs(model, { kind: 'conv4' });
  }

  /** What a task starts from, of the meta-weights. */
  start({ support, targets }: TaskTensors, meta: Weights): AdaptedWeights {
    const body = this.#graphs.body.map(({ name }): [string, Tensor] => [name, meta(name)]);
    const features = (): Tensor => this.#graphs.features(support, meta, support.shape[0]!).features;
    return {
      ...Object.fromEntries(body),
      ...headTensors(this.#graphs.initialHead(support.graph, features, targets, meta)),
    };
  }

  /** The loss of the support set, normalised by itself: what Eq. 8 descends. */
  supportLoss({ support, targets }: TaskTensors, weights: Weights): Tensor {
    return crossEntropy(this.#graphs.logits(support, weights, support.shape[0]!).logits, targets);
  }

  /** Eq. 8, all its steps in one graph, so that every derivative of the result is exact. */
  adapt(
    task: TaskTensors,
    start: AdaptedWeights,
    { used = same, direction = (_, gradient) => gradient }: InnerOptions = {},
  ): AdaptedWeights {
    const { steps, learningRate } = this.#graphs.configuration.innerLoop;
    let weights = start;
    for (let step = 0; step < steps; step++) {
      const entries = Object.entries(weights);
      const down = partialGradient(
        this.supportLoss(task, used(among(weights))),
        entries.map(([, value]) => value),
      );
      weights = Object.fromEntries(
        entries.map(([name, value], i): [string, Tensor] => [
          name,
          subtract(value, multiply(direction(name, down[i]!), learningRate)),
        ]),
      );
    }
    return weights;
  }

  /** Logits of the query set, [n, way]. */
  answers(task: TaskTensors, weights: Weights, statistics: Statistics): Tensor {
    const asked = task.query.shape[0]!;
    if (statistics === 'batch') return this.#graphs.logits(task.query, weights, asked).logits;
    return slice(this.together(task, weights, statistics), 0, task.size.support, asked);
  }

  /** Logits of support set and query set in one pass, [support + query, way]. */
  together({ support, query, size }: TaskTensors, weights: Weights, statistics: Statistics): Tensor {
    const images = concat([support, query], 0);
    const counted = statistics === 'support' ? size.support : images.shape[0]!;
    return this.#graphs.logits(images, weights, counted).logits;
  }

  /** The outer loss of Eq. 9: that of the query set, normalised as the model says. */
  queryLoss(task: TaskTensors, weights: Weights): Tensor {
    const { statistics } = this.#graphs.configuration.normalization;
    return crossEntropy(this.answers(task, weights, statistics), task.queryTargets);
  }
}
