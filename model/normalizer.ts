import {
  add,
  broadcast,
  divide,
  inverseDeviation,
  matmul,
  mean,
  multiply,
  negate,
  normalize,
  slice,
  sqrt,
  stop,
  subtract,
  sum,
} from './graph/operations.ts';
import type { Tensor } from './graph/primitives.ts';

/** Statistics of one normalisation: per channel mean and inverse deviation, [..., c, 1]. */
export interface Statistics {
  readonly name: string;
  readonly mean: Tensor;
  readonly inverse: Tensor;
}

/** A linear map x -> W x + b of channel-major activations: W [..., o, c], b [..., o, 1]. */
export interface Linear {
  readonly weight: Tensor;
  readonly bias: Tensor;
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
    const whole = this.statisticsImages === this.images;
    return whole ? this.#registered(x, name, () => normalize(x, this.epsilon)) : this.of(x, name)(x);
  }

  /**
   * The normalisation by the statistics of x, to be applied to something else of the same channels. What picks from x,
   * like a max-pool, commutes with it and leaves it less to do.
   */
  of(x: Tensor, name: string): (y: Tensor) => Tensor {
    return this.#registered(x, name, ({ mean: center, inverse }) => (y) => {
      return multiply(subtract(y, broadcast(center, y.shape)), broadcast(inverse, y.shape));
    });
  }

  #registered<T>(x: Tensor, name: string, use: (statistics: Statistics) => T): T {
    const source = this.supportColumns(x);
    const center = mean(source, [x.shape.length - 1]);
    const statistics = { name, mean: center, inverse: inverseDeviation(source, this.epsilon) };
    this.statistics.push(statistics);
    return use(statistics);
  }

  /** The columns of the images that the statistics come from. */
  supportColumns(x: Tensor): Tensor {
    const axis = x.shape.length - 1;
    return slice(x, axis, 0, (x.shape[axis]! / this.images) * this.statisticsImages);
  }

  /** normalise(W x), as W' x + b'. */
  project(weight: Tensor, x: Tensor, name: string): Tensor {
    const linear = this.linear(weight, x, name);
    const product = matmul(linear.weight, x);
    return add(product, broadcast(linear.bias, product.shape));
  }

  /**
   * normalise(W x) as a linear map of its own, for W [..., o, c] and x [..., c, images · h · w]. The statistics of W x
   * follow from those of x: mean W m, variance diag(W C Wᵀ). So the derivatives need no pass over W x. The variance does
   * not depend on a shift of x: one by its mean, taken as a constant, keeps it from cancelling.
   * @param gain times this, [..., 1, 1]
   * @param source the columns of x that the statistics come from
   */
  linear(
    weight: Tensor,
    x: Tensor,
    name: string,
    { gain, source = this.supportColumns(x) }: { readonly gain?: Tensor; readonly source?: Tensor } = {},
  ): Linear {
    const axis = x.shape.length - 1;
    const shift = stop(mean(source, [axis]));
    const shifted = subtract(source, broadcast(shift, source.shape));
    const moments = matmul(weight, matmul(shifted, shifted, false, true));
    const squares = multiply(sum(multiply(moments, weight), [axis]), 1 / source.shape[axis]!);
    const offset = matmul(weight, mean(shifted, [axis])); // [..., o, 1]
    const variance = subtract(squares, multiply(offset, offset));
    const inverse = divide(1, sqrt(add(variance, this.epsilon)));
    const center = add(matmul(weight, shift), offset);
    this.statistics.push({ name, mean: center, inverse });
    const scale = gain ? multiply(inverse, broadcast(gain, inverse.shape)) : inverse;
    return {
      weight: multiply(weight, broadcast(scale, weight.shape)),
      bias: negate(multiply(center, scale)),
    };
  }
}
