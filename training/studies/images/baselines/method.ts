import type { Tensor } from '../../../../model/graph/primitives.ts';
import type { Weights } from '../../../../model/graph/weights.ts';
import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import type { TaskSize } from '../../../../model/task/labelled-set.ts';

/** A task as tensors: images [n, 3, s, s] and one-hot classes [n, way]. */
export interface TaskTensors {
  readonly size: TaskSize;
  readonly support: Tensor;
  readonly targets: Tensor;
  readonly query: Tensor;
  readonly queryTargets: Tensor;
}

/** Whose statistics queries are normalised by: the support set's, or their own batch's. */
export type Statistics = 'support' | 'batch';

export interface ImagePrediction {
  /** Logits of the query set after adaptation, [n, way]. */
  readonly logits: (statistics: Statistics) => Tensor;
  /** What the outer loop minimises, one element. */
  readonly objective: () => Tensor;
  /** z_i, [1, state], of a method that has one. */
  readonly embedding?: Tensor;
}

/**
 * A few-shot classifier, all of it that is its own: what Θ consists of, how it predicts a task and what it minimises.
 * Sampling, Adam, evaluation and reports are those of the other rows (paper, Tables 2 and 3).
 */
export interface ImageMethod {
  readonly parameters: readonly ParameterSpecification[];
  /** How many uniform random numbers in (0, 1) a task needs; none by default. */
  readonly noise?: number;
  /** `noise` gives them, [1, n]. */
  readonly predict: (task: TaskTensors, theta: Weights, noise: () => Tensor) => ImagePrediction;
}
