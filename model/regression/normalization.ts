import { add, broadcast, divide, mean, multiply, slice, sqrt, subtract } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';

/** Normalises activations [t, n, c] of the named layer, per task and channel. */
export type RowNormalizer = (x: Tensor, layer: string) => Tensor;

const epsilon = 1e-5;

export const noNormalization: RowNormalizer = (x) => x;

/** By the mean and deviation of the first `points` points: all of the batch, or those of the support set. */
export const normalizationBy =
  (points: number): RowNormalizer =>
  (x) => {
    const source = slice(x, 1, 0, points);
    const center = mean(source, [1]);
    const deviations = subtract(source, broadcast(center, source.shape));
    const deviation = sqrt(add(mean(multiply(deviations, deviations), [1]), epsilon));
    return divide(subtract(x, broadcast(center, x.shape)), broadcast(deviation, x.shape));
  };
