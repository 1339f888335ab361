import {
  add,
  averagePool,
  broadcast,
  conv,
  inverseDeviation,
  matmul,
  maxPool,
  mean,
  multiply,
  normalize,
  reshape,
  slice,
  subtract,
  transpose,
} from './graph/operations.ts';
import type { Tensor } from './graph/primitives.ts';
import { windowOutput } from './graph/shapes.ts';

/** Statistics of one normalisation: per channel mean and inverse deviation, [..., c, 1]. */
export interface Statistics {
  readonly name: string;
  readonly mean: Tensor;
  readonly inverse: Tensor;
}

/**
 * Normalisation of channel-major activations [..., c, images · h · w] without affine parameters.
 * The statistics are those of the first `statisticsImages` images: all of the batch in the paper's (transductive)
 * mode, the support set alone in the served mode (docs/adr/0004-normalization.md).
 */
export class Normalizer {
  readonly statistics: Statistics[] = [];
  readonly images: number;
  readonly statisticsImages: number;
  readonly epsilon: number;

  constructor(images: number, statisticsImages: number, epsilon: number) {
    this.images = images;
    this.statisticsImages = statisticsImages;
    this.epsilon = epsilon;
  }

  apply(x: Tensor, name: string): Tensor {
    const axis = x.shape.length - 1;
    const columns = (x.shape[axis]! / this.images) * this.statisticsImages;
    const source = slice(x, axis, 0, columns);
    const center = mean(source, [axis]);
    const inverse = inverseDeviation(source, this.epsilon);
    this.statistics.push({ name, mean: center, inverse });
    if (columns === x.shape[axis]) return normalize(x, this.epsilon);
    return multiply(subtract(x, broadcast(center, x.shape)), broadcast(inverse, x.shape));
  }
}

/** Geometry of a window over square planes with padding that keeps (stride 1) or halves (stride 2) the side. */
export interface PlaneWindow {
  readonly side: number;
  readonly kernel: number;
  readonly stride: 1 | 2;
  readonly dilation: number;
}

const paddingOf = ({ kernel, dilation }: PlaneWindow): number => (dilation * (kernel - 1)) / 2;

export const outputSide = (window: PlaneWindow): number =>
  windowOutput(window.side, window.kernel, window.stride, paddingOf(window), window.dilation);

/** Planes of at most this many pixels are convolved depthwise as dense products (docs/adr/0002-batching.md). */
const largestProductPlane = 196;

const bases = new Map<string, Float64Array>();

/** 0/1 basis [k², h·w · h'·w'] that spreads the k² weights of a depthwise kernel into its dense matrix. */
function kernelBasis(window: PlaneWindow): Float64Array {
  const { side, kernel, stride, dilation } = window;
  const key = `${side} ${kernel} ${stride} ${dilation}`;
  const known = bases.get(key);
  if (known) return known;
  const out = outputSide(window);
  const basis = new Float64Array(kernel ** 2 * side ** 2 * out ** 2);
  for (let tap = 0; tap < kernel ** 2; tap++) {
    for (let to = 0; to < out ** 2; to++) {
      const row = Math.floor(to / out) * stride - paddingOf(window) + Math.floor(tap / kernel) * dilation;
      const column = (to % out) * stride - paddingOf(window) + (tap % kernel) * dilation;
      if (row < 0 || row >= side || column < 0 || column >= side) continue;
      basis[(tap * side ** 2 + row * side + column) * out ** 2 + to] = 1;
    }
  }
  bases.set(key, basis);
  return basis;
}

/**
 * Depthwise convolution of x [1, c, images, h·w] with e kernels a channel, [e, c, k²] -> [e, c, images, h'·w'].
 * Small planes: a dense product with each kernel's own (h·w) x (h'·w') matrix, so that every derivative is a product
 * too; large planes: a grouped convolution. x may also be [e, c, images, h·w].
 */
export function depthwise(x: Tensor, kernels: Tensor, window: PlaneWindow): Tensor {
  const [e, c, taps] = kernels.shape as [number, number, number];
  const [, , images, plane] = x.shape as [number, number, number, number];
  const out = outputSide(window);
  const spread = broadcast(x, [e, c, images, plane]);
  if (plane <= largestProductPlane) {
    const basis = x.graph.constant(kernelBasis(window), [taps, plane * out ** 2]);
    const matrices = reshape(matmul(reshape(kernels, [e * c, taps]), basis), [e, c, plane, out ** 2]);
    return matmul(spread, matrices);
  }
  const batch = reshape(transpose(spread, [2, 0, 1, 3]), [images, e * c, window.side, window.side]);
  const geometry = {
    stride: window.stride,
    padding: paddingOf(window),
    dilation: window.dilation,
    groups: e * c,
  };
  const result = conv(batch, reshape(kernels, [e * c, 1, window.kernel, window.kernel]), geometry);
  return transpose(reshape(result, [images, e, c, out ** 2]), [1, 2, 0, 3]);
}

/** 3x3 pooling of channel-major planes [c, images · h·w] -> [c, images · h'·w'] (padding is not counted). */
export function pool3(kind: 'max' | 'average', x: Tensor, side: number, stride: 1 | 2): Tensor {
  const [c, columns] = x.shape as [number, number];
  const planes = reshape(x, [c, columns / side ** 2, side, side]);
  const pooled = (kind === 'max' ? maxPool : averagePool)(planes, { kernel: 3, stride, padding: 1 });
  const out = pooled.shape[2]!;
  return reshape(pooled, [c, (columns / side ** 2) * out ** 2]);
}

/** Every second row and column of channel-major planes: [c, images · h·w] -> [c, images · h'·w']. */
export function subsample(x: Tensor, side: number): Tensor {
  const [c, columns] = x.shape as [number, number];
  const out = windowOutput(side, 1, 2, 0);
  const picks = new Float64Array(side ** 2 * out ** 2);
  for (let to = 0; to < out ** 2; to++)
    picks[(Math.floor(to / out) * side + (to % out)) * 2 * out ** 2 + to] = 1;
  const key = `subsample ${side}`;
  const basis = bases.get(key) ?? picks;
  bases.set(key, basis);
  const images = columns / side ** 2;
  const product = matmul(reshape(x, [c * images, side ** 2]), x.graph.constant(basis, [side ** 2, out ** 2]));
  return reshape(product, [c, images * out ** 2]);
}

/** x [n, i] times W [i, o] plus b [1, o]. */
export function dense(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const y = matmul(x, weight);
  return add(y, broadcast(bias, y.shape));
}
