import type { ModelConfiguration } from '../configuration.ts';
import {
  cellNames,
  edgeCount,
  firstEdgeOf,
  operationNames,
  sourcesOf,
  targetsOf,
} from '../search-space/genotype.ts';
import {
  broadcast,
  divide,
  multiply,
  relu,
  reshape,
  sigmoid,
  slice,
  softmax,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { sizeOf } from '../graph/shapes.ts';
import { tapMixName } from '../search-space/mix-names.ts';
import { tapSlots } from '../search-space/taps.ts';
import { dense } from '../layers/primitive-layers.ts';
import { mixName } from '../search-space/mix-names.ts';
import type { Weights } from '../graph/weights.ts';
import { weightSpecifications } from '../parameters.ts';

/**
 * α_i = A(z_i): architecture weights [2 · edges, 8], rows that sum to one; edges source-major, normal cell first; on a
 * trunk also the weights of every slot's taps.
 * `mask` is the path dropout: 0 drops a candidate operation, and the others of its edge share its weight. Below 1 the
 * `temperature` [1, 1] sharpens the softmax: annealed towards 0, α becomes one-hot by itself (MetaNAS).
 */
export function architecture(
  configuration: ModelConfiguration,
  embedding: Tensor,
  { mask, temperature }: { readonly mask: Tensor | null; readonly temperature: Tensor },
  weights: Weights,
): { readonly alpha: Tensor; readonly slots: Readonly<Record<string, Tensor>> } {
  const { controller, supernet } = configuration;
  const rows = cellNames.length * edgeCount(supernet.nodes);
  const hidden =
    controller.kind === 'shared'
      ? null
      : relu(dense(embedding, weights('controller.hidden.weight'), weights('controller.hidden.bias')));
  const logits = hidden
    ? dense(hidden, weights('controller.alpha.weight'), weights('controller.alpha.bias'))
    : weights('controller.alpha');
  const sharpened = divide(logits, broadcast(temperature, logits.shape));
  const operations = rows * operationNames.length;
  const slots = slotWeights(configuration, sharpened, operations);
  const probabilities = softmax(reshape(slice(sharpened, 1, 0, operations), [rows, operationNames.length]));
  if (!mask) return { alpha: probabilities, slots };
  const kept = multiply(probabilities, mask);
  return { alpha: divide(kept, broadcast(sum(kept, [1]), kept.shape)), slots };
}

/** The weights of the taps of every slot, [1, taps] by the names of the supernet's inputs, from `start` of the logits on. */
function slotWeights(
  configuration: ModelConfiguration,
  logits: Tensor,
  start: number,
): Record<string, Tensor> {
  let at = start;
  return Object.fromEntries(
    tapSlots(configuration).map(({ name, taps }) => {
      const own = softmax(slice(logits, 1, at, taps.length));
      at += taps.length;
      return [tapMixName(name), own];
    }),
  );
}

/** The supernet's inputs [edges, 7] by name, out of architecture weights [2 · edges, 8] (zero needs no input). */
export function architectureInputs({ supernet }: ModelConfiguration, alpha: Tensor): Record<string, Tensor> {
  const { nodes } = supernet;
  const entries = cellNames.flatMap((cell, c) =>
    sourcesOf(nodes).map((source) => {
      const first = c * edgeCount(nodes) + firstEdgeOf(source, nodes);
      const rows = slice(alpha, 0, first, targetsOf(source, nodes).length);
      return [mixName(cell, source), slice(rows, 1, 1, operationNames.length - 1)] as const;
    }),
  );
  return Object.fromEntries(entries);
}

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
