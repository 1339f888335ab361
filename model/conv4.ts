import {
  add,
  broadcast,
  conv,
  matmul,
  maxPool,
  multiply,
  normalize,
  relu,
  reshape,
  step,
  transpose,
} from './graph/operations.ts';
import type { Tensor } from './graph/primitives.ts';
import type { Learner, LearnerWeight } from './maml.ts';
import { convolveTiles } from './winograd.ts';
import { normalizedProduct, patchStatistics, windowMaximum, windowPatches } from './window-patches.ts';

/** Shape of a conv4: image side (even, at least 16), classes, and filters of every layer (32 in the paper's tables). */
export interface Conv4Configuration {
  readonly size: number;
  readonly way: number;
  readonly filters: number;
}

type Weights = (name: string) => Tensor;

const layers = 4;
const epsilon = 1e-5;
const halve = { kernel: 2, stride: 2, padding: 0 };

const sideAfterLayers = (size: number): number => Math.floor(size / 2 ** layers);

function weightsOf({ size, way, filters }: Conv4Configuration): LearnerWeight[] {
  const convolutions = Array.from({ length: layers }, (_, layer): LearnerWeight[] => [
    layer === 0
      ? { name: 'conv.0', shape: [filters, 27], deviation: 0.1, mean: 0 }
      : { name: `conv.${layer}`, shape: [filters, filters, 3, 3], deviation: 0.1, mean: 0 },
    { name: `gain.${layer}`, shape: [filters, 1], deviation: 0, mean: 1 },
    { name: `bias.${layer}`, shape: [filters, 1], deviation: 0, mean: 0 },
  ]);
  const features = filters * sideAfterLayers(size) ** 2;
  return [
    ...convolutions.flat(),
    { name: 'head.weight', shape: [way, features], deviation: 0.1, mean: 0 },
    { name: 'head.bias', shape: [1, way], deviation: 0, mean: 0 },
  ];
}

/**
 * The base learner of MAML's tables (Finn et al. 2017, section 5.2): four times 3x3 convolution, normalisation by batch
 * statistics with gain and bias, ReLU and 2x2 max-pool, then a linear head of `way` outputs.
 * Channels first and images last, [c, h, w, n]: batch statistics are those of a row.
 * @throws RangeError when the image side is odd or below 16
 */
export function conv4(configuration: Conv4Configuration): Learner {
  const { size, way } = configuration;
  if (size % 2 !== 0 || size < 2 ** layers)
    throw new RangeError(`conv4 needs an even image side of at least 16, not ${size}`);
  return {
    weights: weightsOf(configuration),
    imageSize: size,
    way,
    logits: (images, weight) => {
      const n = images.shape[0]!;
      let planes = firstLayer(images, weight); // [c, h', w', n]
      for (let i = 1; i < layers; i++) planes = layer(planes, i, weight);
      const features = reshape(planes, [planes.shape[0]! * planes.shape[1]! ** 2, n]);
      const logits = matmul(features, weight('head.weight'), true, true);
      return add(logits, broadcast(weight('head.bias'), logits.shape));
    },
  };
}

/** Pooled before bias and ReLU, which commute with a maximum and then see a quarter of the elements. */
function firstLayer(images: Tensor, weight: Weights): Tensor {
  const [n, , size] = images.shape as [number, number, number];
  const statistics = patchStatistics(windowPatches(images, 'images-last'));
  const pooled = windowMaximum(normalizedProduct(weight('conv.0'), weight('gain.0'), statistics, epsilon));
  const shifted = relu(add(pooled, broadcast(weight('bias.0'), pooled.shape)));
  return reshape(shifted, [pooled.shape[0]!, size / 2, size / 2, n]);
}

/**
 * One of the other layers: planes [c, h, w, n] in, [c, h/2, w/2, n] out. Gain and bias come after the pooling too: a
 * negative gain would turn its maximum into a minimum, so its sign moves into the kernel, and the absolute value stays.
 */
function layer(planes: Tensor, i: number, weight: Weights): Tensor {
  const [c, side] = planes.shape as [number, number];
  const gain = weight(`gain.${i}`);
  const sign = add(multiply(step(gain), 2), -1); // [c, 1]
  const kernel = weight(`conv.${i}`);
  const signed = multiply(kernel, broadcast(reshape(sign, [c, 1, 1, 1]), kernel.shape));
  const pooled = (side % 2 === 0 ? tiledLayer : plainLayer)(planes, signed);
  const scaled = multiply(pooled, broadcast(multiply(gain, sign), pooled.shape));
  const shifted = relu(add(scaled, broadcast(weight(`bias.${i}`), pooled.shape)));
  const half = Math.floor(side / 2);
  return reshape(shifted, [c, half, half, planes.shape[3]!]);
}

/** Convolved, normalised and pooled planes of an even side, [c, h/2 · w/2 · n]. */
const tiledLayer = (planes: Tensor, kernel: Tensor): Tensor =>
  windowMaximum(normalize(convolveTiles(planes, kernel), epsilon));

/** The same for an odd side, whose last row and column are not pooled. */
function plainLayer(planes: Tensor, kernel: Tensor): Tensor {
  const [c, side, , n] = planes.shape as [number, number, number, number];
  const convolved = conv(transpose(planes, [3, 0, 1, 2]), kernel, { padding: 1 });
  const rows = reshape(transpose(convolved, [1, 0, 2, 3]), [c, n * side * side]);
  const pooled = maxPool(reshape(normalize(rows, epsilon), [c, n, side, side]), halve);
  return reshape(transpose(pooled, [0, 2, 3, 1]), [c, pooled.shape[2]! ** 2 * n]);
}
