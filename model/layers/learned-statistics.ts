import { add, broadcast, multiply, reshape, subtract } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';

/**
 * What training has learned of a network's statistics, and how much a task's own count beside it (TaskNorm, arXiv
 * 2003.03284): those of few images are a poor estimate.
 */
export interface LearnedStatistics {
  /** Share of the task's own statistics, 0..1, [1, 1]. */
  readonly share: Tensor;
  /** Learned mean and mean square of one normalisation's values, [..., c, 1]. */
  readonly of: (name: string) => { readonly mean: Tensor; readonly square: Tensor };
  /** The same for the means of the sources' features. */
  readonly centerShare: Tensor;
  /** Learned mean of a source's features, [1, f]. */
  readonly center: (source: string) => Tensor;
}

/** share · own + (1 - share) · learned. */
export function blended(share: Tensor, own: Tensor, learned: Tensor): Tensor {
  const scalar = reshape(
    share,
    own.shape.map(() => 1),
  );
  return add(multiply(broadcast(scalar, own.shape), subtract(own, learned)), learned);
}
