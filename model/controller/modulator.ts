import type { ModelConfiguration } from '../configuration.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { Weights } from '../graph/weights.ts';
import { weightSpecifications } from '../network/weights.ts';
import { multiply, sigmoid, reshape, slice, broadcast } from '../graph/operations.ts';
import { dense } from '../layers/primitive-layers.ts';
import { sizeOf } from '../graph/shapes.ts';
import { denseSpecifications } from '../layers/parameter-specification.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';

/**
 * w̃_i = τ_i ⊙ w̃ with τ_i = M(z_i) (Eq. 7), one fully connected layer; its gate is 2σ, so that a new modulator
 * starts at τ = 1. Per channel by default, along the input channels: a factor on output channels would be
 * cancelled by the normalisation that follows (docs/adr/0005-modulator.md).
 */
export function modulate(
  configuration: ModelConfiguration,
  embedding: Tensor,
  weights: Weights,
): Record<string, Tensor> {
  const specifications = weightSpecifications(configuration);
  const { kind } = configuration.modulator;
  if (kind === 'none') return Object.fromEntries(specifications.map(({ name }) => [name, weights(name)]));
  const factors = multiply(
    sigmoid(dense(embedding, weights('modulator.weight'), weights('modulator.bias'))),
    2,
  );
  let start = 0;
  return Object.fromEntries(
    specifications.map(({ name, shape, modulation }) => {
      const own = kind === 'full' ? shape : modulation!;
      const factor = reshape(slice(factors, 1, start, sizeOf(own)), own);
      start += sizeOf(own);
      return [name, multiply(weights(name), broadcast(factor, shape))];
    }),
  );
}

/** Number of modulation factors τ (Eq. 7). */
export function modulationCount(configuration: ModelConfiguration): number {
  const { kind } = configuration.modulator;
  if (kind === 'none' || configuration.network.kind === 'conv4') return 0;
  return weightSpecifications(configuration).reduce(
    (n, w) => n + sizeOf(kind === 'full' ? w.shape : w.modulation!),
    0,
  );
}

/** The modulator's one layer; at first τ = 1 for all tasks. */
export function modulatorSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  const factors = modulationCount(configuration);
  return factors > 0
    ? denseSpecifications('modulator', 'modulator', configuration.encoder.state, factors, 0)
    : [];
}
