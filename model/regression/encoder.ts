import { autoEncoderSpecifications, encodePairs, encoderLayer } from '../embedding/auto-encoder.ts';
import type { TaskEmbeddings } from '../embedding/auto-encoder.ts';
import type { Weights } from '../graph/weights.ts';
import { concat, relu } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { denseSpecifications } from '../layers/parameter-specification.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import type { AutoEncoder } from '../configuration.ts';

/** F(x, y) of points and the auto-encoder; `decodes` is false where nothing asks for the reconstruction. */
export const encoderSpecifications = (encoder: AutoEncoder, decodes = true): ParameterSpecification[] => [
  ...denseSpecifications('encoder', 'encoder.pair', 2, encoder.features),
  ...autoEncoderSpecifications(encoder, decodes),
];

/** Task embeddings of support sets x, y [t, n, 1], in the order of the points. */
export function encodeTasks({ kind }: AutoEncoder, x: Tensor, y: Tensor, weights: Weights): TaskEmbeddings {
  const pairs = relu(encoderLayer(weights)(concat([x, y], 2), 'pair')); // F(x, y): [t, n, f]
  return encodePairs(kind, pairs, weights);
}
