import { add, broadcast, divide, mean, multiply, slice, sqrt, subtract } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { Weights } from '../graph/weights.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';

/** Normalises activations [t, n, c] of the named layer, per task and channel; `weights` are each task's own. */
export type RowNormalizer = (x: Tensor, layer: string, weights: Weights) => Tensor;

const epsilon = 1e-5;

export const noNormalization: RowNormalizer = (x) => x;

/** The affine part of a layer's normalisation, neutral at the start: modulated and adapted as every weight is. */
export const affineSpecifications = (layer: string, outputs: number): ParameterSpecification[] => {
  const own = { shape: [1, outputs], group: 'weights', deviation: 0, modulation: [1] } as const;
  return [
    { ...own, name: `${layer}.gain`, mean: 1 },
    { ...own, name: `${layer}.offset`, mean: 0 },
  ];
};

/**
 * By the mean and deviation of the first `points` points, all of the batch or those of the support set; then the layer's
 * gain and offset.
 */
export const normalizationBy =
  (points: number): RowNormalizer =>
  (x, layer, weights) => {
    const source = slice(x, 1, 0, points);
    const center = mean(source, [1]);
    const deviations = subtract(source, broadcast(center, source.shape));
    const deviation = sqrt(add(mean(multiply(deviations, deviations), [1]), epsilon));
    const normalized = divide(subtract(x, broadcast(center, x.shape)), broadcast(deviation, x.shape));
    const scaled = multiply(normalized, broadcast(weights(`${layer}.gain`), x.shape));
    return add(scaled, broadcast(weights(`${layer}.offset`), x.shape));
  };
