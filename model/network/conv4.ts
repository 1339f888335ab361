import type { Weights } from '../graph/weights.ts';
import { firstSide } from '../configuration.ts';
import type { ModelConfiguration } from '../configuration.ts';
import {
  add,
  broadcast,
  conv,
  multiply,
  relu,
  reshape,
  slice,
  step,
  transpose,
  matmul,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { Normalizer } from '../layers/normalizer.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { convolveTiles } from '../layers/winograd.ts';
import { windowMaximum, windowPatches } from '../layers/window-patches.ts';

const layers = 4;

/** Length of the feature vector: the pixels of the last layer's planes, [filters · h · w]; `side` of the first one's. */
export const conv4FeatureCount = (filters: number, side: number): number =>
  filters * Math.floor(side / 2 ** layers) ** 2;

/** Kernels, gains and biases of the four layers, in a fixed order. */
export function conv4Specifications(filters: number): ParameterSpecification[] {
  const own = { group: 'weights', deviation: 0, mean: 0 } as const;
  return Array.from({ length: layers }, (_, i): ParameterSpecification[] => {
    const channels = i === 0 ? 3 : filters;
    const shape = i === 0 ? [filters, 27] : [filters, channels, 3, 3];
    return [
      { ...own, name: `conv.${i}`, shape, deviation: (2 / (9 * channels)) ** 0.5 },
      { ...own, name: `gain.${i}`, shape: [filters, 1], mean: 1 },
      { ...own, name: `bias.${i}`, shape: [filters, 1] },
    ];
  }).flat();
}

/**
 * The base learner of MAML's tables (Finn et al. 2017, section 5.2): four times 3x3 convolution, normalisation with gain
 * and bias, ReLU and 2x2 max-pool; features [n, filters · h · w] of images [n, 3, s, s].
 * Channels first and images last, [c, h, w, n]: the normaliser is one of images last.
 */
export function conv4Features(
  { image }: ModelConfiguration,
  images: Tensor,
  weights: Weights,
  normalizer: Normalizer,
): Tensor {
  const n = images.shape[0]!;
  let [planes, side] = [firstLayer(images, weights, normalizer, image.stride), firstSide(image) / 2]; // [c, side, side, n]
  for (let i = 1; i < layers; i++) {
    planes = layer(planes, i, weights, normalizer);
    side = Math.floor(side / 2);
  }
  return transpose(reshape(planes, [planes.shape[0]! * side ** 2, n]), [1, 0]);
}

/** Pooled before bias and ReLU, which commute with a maximum and then see a quarter of the elements. */
function firstLayer(images: Tensor, weights: Weights, normalizer: Normalizer, stride: number): Tensor {
  const [n, , size] = images.shape as [number, number, number];
  const half = size / (2 * stride);
  const patches = windowPatches(images, 'images-last', stride);
  const gain = weights('gain.0');
  const { weight, centered } = normalizer.linear(weights('conv.0'), patches, 'conv.0', { gain });
  const pooled = windowMaximum(matmul(weight, centered));
  const shifted = relu(add(pooled, broadcast(weights('bias.0'), pooled.shape)));
  return reshape(shifted, [pooled.shape[0]!, half, half, n]);
}

/**
 * One of the other layers: planes [c, h, w, n] in, [c, h/2, w/2, n] out. Normalisation, gain and bias come after the
 * pooling: a negative gain would turn its maximum into a minimum, so its sign moves into the kernel, and the absolute
 * value stays.
 */
function layer(planes: Tensor, i: number, weights: Weights, normalizer: Normalizer): Tensor {
  const [c, side, , n] = planes.shape as [number, number, number, number];
  const gain = weights(`gain.${i}`);
  const sign = add(multiply(step(gain), 2), -1); // [c, 1]
  const kernel = weights(`conv.${i}`);
  const signed = multiply(kernel, broadcast(reshape(sign, [c, 1, 1, 1]), kernel.shape));
  const { all, windows } = side % 2 === 0 ? tiled(planes, signed) : plain(planes, signed);
  const pooled = normalizer.of(all, `conv.${i}`)(windowMaximum(windows));
  const scaled = multiply(pooled, broadcast(multiply(gain, sign), pooled.shape));
  const shifted = relu(add(scaled, broadcast(weights(`bias.${i}`), pooled.shape)));
  const half = Math.floor(side / 2);
  return reshape(shifted, [c, half, half, n]);
}

/** Convolved planes: every pixel, which the statistics are of, and those of the pooling windows, four quarters. */
interface Convolved {
  readonly all: Tensor;
  readonly windows: Tensor;
}

function tiled(planes: Tensor, kernel: Tensor): Convolved {
  const all = convolveTiles(planes, kernel);
  return { all, windows: all };
}

/** The same for an odd side, whose last row and column are not pooled. */
function plain(planes: Tensor, kernel: Tensor): Convolved {
  const [, side, , n] = planes.shape as [number, number, number, number];
  const c = kernel.shape[0]!;
  const half = Math.floor(side / 2);
  const convolved = transpose(conv(transpose(planes, [3, 0, 1, 2]), kernel, { padding: 1 }), [1, 2, 3, 0]);
  const even = slice(slice(convolved, 1, 0, 2 * half), 2, 0, 2 * half);
  const windows = transpose(reshape(even, [c, half, 2, half, 2, n]), [0, 2, 4, 1, 3, 5]);
  return {
    all: reshape(convolved, [c, side * side * n]),
    windows: reshape(windows, [c, 4 * half * half * n]),
  };
}
