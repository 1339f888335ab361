import { constantMatrix } from './constant-matrices.ts';
import {
  add,
  averagePool,
  broadcast,
  divide,
  inverseDeviation,
  matmul,
  maxPool,
  mean,
  multiply,
  negate,
  normalize,
  reshape,
  slice,
  sqrt,
  stop,
  subtract,
  sum,
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

  /**
   * normalise(W x) as a linear map W' x + b' of its own, for W [..., o, c] and x [..., c, images · h · w]. The statistics
   * of W x follow from those of x: mean W m, variance diag(W C Wᵀ). So the derivatives need no pass over
   * W x. The variance does not depend on a shift of x: one by its mean, taken as a constant, keeps it from cancelling.
   * @returns W' [..., o, c] and b' [..., o, 1], times `gain` [..., 1, 1] if there is one
   */
  linear(weight: Tensor, x: Tensor, gain?: Tensor): { readonly weight: Tensor; readonly bias: Tensor } {
    const axis = x.shape.length - 1;
    const columns = (x.shape[axis]! / this.images) * this.statisticsImages;
    const source = slice(x, axis, 0, columns);
    const shift = stop(mean(source, [axis]));
    const shifted = subtract(source, broadcast(shift, source.shape));
    const moments = matmul(weight, matmul(shifted, shifted, false, true));
    const squares = multiply(sum(multiply(moments, weight), [axis]), 1 / columns);
    const offset = matmul(weight, mean(shifted, [axis])); // [..., o, 1]
    const variance = subtract(squares, multiply(offset, offset));
    const inverse = divide(1, sqrt(add(variance, this.epsilon)));
    const scale = gain ? multiply(inverse, broadcast(gain, inverse.shape)) : inverse;
    return {
      weight: multiply(weight, broadcast(scale, weight.shape)),
      bias: negate(multiply(add(matmul(weight, shift), offset), scale)),
    };
  }
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
  const picks = constantMatrix(`subsample ${side}`, () => {
    const matrix = new Float64Array(side ** 2 * out ** 2);
    for (let to = 0; to < out ** 2; to++)
      matrix[(Math.floor(to / out) * side + (to % out)) * 2 * out ** 2 + to] = 1;
    return matrix;
  });
  const images = columns / side ** 2;
  const product = matmul(reshape(x, [c * images, side ** 2]), x.graph.constant(picks, [side ** 2, out ** 2]));
  return reshape(product, [c, images * out ** 2]);
}

/** x [n, i] times W [i, o] plus b [1, o]. */
export function dense(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const y = matmul(x, weight);
  return add(y, broadcast(bias, y.shape));
}
