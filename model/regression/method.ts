import type { Weights } from '../graph/weights.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import type { Shape } from '../graph/shapes.ts';
import type { RegressionTasks } from './tensors.ts';

/** A named tensor that is neither data nor part of Θ: noise, masks, a chosen architecture. */
export type ExtraInput = (name: string, shape: Shape) => Tensor;

export interface Prediction {
  /** Predictions for the query points after adaptation, [t, m, 1]. */
  readonly predictions: Tensor;
  /** What the outer loop minimises, a sum over tasks [1, 1, 1]. */
  readonly objective: Tensor;
}

/**
 * A few-shot regressor, all of it that is its own: what Θ consists of, and how it predicts a meta-batch and what it
 * minimises. Sampling, Adam, evaluation and reports are the same for all (paper, Table 1).
 */
export interface RegressionMethod {
  readonly parameters: readonly ParameterSpecification[];
  /** How many uniform random numbers in (0, 1) a task needs, as the extra input `noise` [t, n]; none by default. */
  readonly noise?: number;
  readonly predict: (tasks: RegressionTasks, theta: Weights, extra: ExtraInput) => Prediction;
}
