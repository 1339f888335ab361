import { encodePairs, autoEncoderSpecifications } from './auto-encoder.ts';
import type { TaskEmbeddings } from './auto-encoder.ts';
import type { ModelConfiguration } from '../configuration.ts';
import {
  add,
  averagePool,
  broadcast,
  concat,
  conv,
  divide,
  matmul,
  multiply,
  relu,
  reshape,
  sum,
  tanh,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { dense } from '../layers/primitive-layers.ts';
import { tapSummary } from '../search-space/tap-planes.ts';
import type { Weights } from '../graph/weights.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { windowOutput } from '../graph/shapes.ts';
import { firstSide } from '../configuration.ts';
import { pooledWidth } from '../search-space/taps.ts';
import { denseSpecifications } from '../layers/parameter-specification.ts';

/** Images averaged down by `stride`, through three strided convolutions: [n, 3, s, s] -> [n, f]. */
function convolved(images: Tensor, weights: Weights, stride: number): Tensor {
  const small = stride === 1 ? images : averagePool(images, { kernel: stride, stride, padding: 0 });
  let x = add(multiply(small, 2), -1);
  for (let layer = 0; layer < 3; layer++)
    x = relu(conv(x, weights(`encoder.conv.${layer}`), { stride: 2, padding: 1 }));
  return reshape(x, [images.shape[0]!, x.shape.slice(1).reduce((a, b) => a * b, 1)]);
}

/**
 * F(x, y) (Eq. 4): the image's features beside the mean features of its class, so that the label enters without a
 * number of its own: renaming or permuting classes changes nothing. flat [n, i], targets [n, way] -> [n, f].
 */
function pairFeatures(flat: Tensor, targets: Tensor, weights: Weights): Tensor {
  const image = tanh(dense(flat, weights('encoder.image.weight'), weights('encoder.image.bias'))); // [n, f]
  const sums = matmul(targets, image, true, false); // [way, f]
  const counts = reshape(sum(targets, [0]), [targets.shape[1]!, 1]);
  const classes = matmul(targets, divide(sums, broadcast(counts, sums.shape))); // [n, f]
  return tanh(
    dense(concat([image, classes], 1), weights('encoder.pair.weight'), weights('encoder.pair.bias')),
  );
}

/**
 * z_i and the reconstruction of one task's support set, in the given order. Pixels are averaged down as the network's first
 * stride does, so that the encoder is as fast as its later layers; of a trunk's planes the pooled features are read.
 */
export function encodeTask(
  { encoder, image, trunk }: ModelConfiguration,
  images: Tensor,
  targets: Tensor,
  weights: Weights,
): TaskEmbeddings {
  const flat = trunk ? tapSummary(images, trunk.taps) : convolved(images, weights, image.stride);
  const pairs = pairFeatures(flat, targets, weights);
  return encodePairs(encoder.kind, reshape(pairs, [1, ...pairs.shape]), weights);
}

/** Channels of the encoder's three strided convolutions. */
export const encoderChannels = [3, 16, 32, 32] as const;

/**
 * The image encoder's tensors: convolutions, F(x, y), and the auto-encoder; `decodes` is false where nothing asks for the
 * reconstruction.
 */
export function encoderSpecifications(
  configuration: ModelConfiguration,
  decodes = true,
): ParameterSpecification[] {
  const { image, encoder, trunk } = configuration;
  const convolutions = encoderChannels.slice(1).map((channels, i): ParameterSpecification => {
    const fanIn = 9 * encoderChannels[i]!;
    return {
      name: `encoder.conv.${i}`,
      shape: [channels, encoderChannels[i]!, 3, 3],
      group: 'encoder',
      deviation: (2 / fanIn) ** 0.5,
      mean: 0,
    };
  });
  const side = [0, 1, 2].reduce((size) => windowOutput(size, 3, 2, 1), firstSide(image));
  const { features } = encoder;
  const inputs = trunk ? pooledWidth(trunk.taps) : encoderChannels[3] * side * side;
  return [
    ...(trunk ? [] : convolutions),
    ...denseSpecifications('encoder', 'encoder.image', inputs, features),
    ...denseSpecifications('encoder', 'encoder.pair', 2 * features, features),
    ...autoEncoderSpecifications(encoder, decodes),
  ];
}
