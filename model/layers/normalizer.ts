import {
  add,
  broadcast,
  divide,
  inverseDeviation,
  matmul,
  mean,
  multiply,
  normalize,
  reshape,
  slice,
  sqrt,
  subtract,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';

/** Statistics of one normalisation: per channel mean and inverse deviation, [..., c, 1]. */
export interface Statistics {
  readonly name: string;
  readonly mean: Tensor;
  readonly inverse: Tensor;
}

/** The factors of a product W' (x - m): [..., o, c] and [..., c, images · h · w]. */
export interface Linear {
  readonly weight: Tensor;
  readonly centered: Tensor;
}

/** Where the image comes in the order of channel-major columns: before the place in it, or after. */
export type ImageOrder = 'images-first' | 'images-last';

/**
 * Normalisation of channel-major activations [..., c, images · h · w], or [..., c, h · w · images] with images last,
 * without affine parameters.
 * The statistics are those of the first `statisticsImages` images: all of the batch in the paper's (transductive)
 * mode, the support set alone in the served mode (docs/adr/0004-normalization.md).
 */
export class Normalizer {
  readonly statistics: Statistics[] = [];
  readonly images: number;
  readonly statisticsImages: number;
  readonly epsilon: number;
  readonly order: ImageOrder;

  constructor(images: number, statisticsImages: number, epsilon: number, order: ImageOrder = 'images-first') {
    this.images = images;
    this.statisticsImages = statisticsImages;
    this.epsilon = epsilon;
    this.order = order;
  }

  apply(x: Tensor, name: string): Tensor {
    const statistics = this.#statisticsOf(x, name);
    const whole = this.statisticsImages === this.images;
    return whole ? normalize(x, this.epsilon) : normalizedBy(statistics, x);
  }

  /**
   * The normalisation by the statistics of x, to be applied to something else of the same channels. What picks from x,
   * like a max-pool, commutes with it and leaves it less to do.
   */
  of(x: Tensor, name: string): (y: Tensor) => Tensor {
    const statistics = this.#statisticsOf(x, name);
    return (y) => normalizedBy(statistics, y);
  }

  #statisticsOf(x: Tensor, name: string): Statistics {
    const source = this.supportColumns(x);
    const center = mean(source, [x.shape.length - 1]);
    const statistics = { name, mean: center, inverse: inverseDeviation(source, this.epsilon) };
    this.statistics.push(statistics);
    return statistics;
  }

  /** The columns of the images that the statistics come from. */
  supportColumns(x: Tensor): Tensor {
    if (this.statisticsImages === this.images) return x;
    const axis = x.shape.length - 1;
    const plane = x.shape[axis]! / this.images;
    if (this.order === 'images-first') return slice(x, axis, 0, plane * this.statisticsImages);
    const leading = x.shape.slice(0, axis);
    const columns = reshape(x, [...leading, plane, this.images]);
    return reshape(slice(columns, axis + 1, 0, this.statisticsImages), [
      ...leading,
      plane * this.statisticsImages,
    ]);
  }

  /** normalise(W x). */
  project(weight: Tensor, x: Tensor, name: string): Tensor {
    const linear = this.linear(weight, x, name);
    return matmul(linear.weight, linear.centered);
  }

  /**
   * normalise(W x) as a product W' (x - m), for W [..., o, c] and x [..., c, images · h · w]: the variance of W x follows
   * from the covariance C of x as diag(W C Wᵀ). So normalisation scales the small W and costs no pass over W x, in no
   * derivative either.
   * @param gain times this, of a shape that broadcasts to [..., o, 1]
   * @param source the columns of x that the statistics come from
   */
  linear(
    weight: Tensor,
    x: Tensor,
    name: string,
    { gain, source = this.supportColumns(x) }: { readonly gain?: Tensor; readonly source?: Tensor } = {},
  ): Linear {
    const axis = x.shape.length - 1;
    const count = source.shape[axis]!;
    const center = mean(source, [axis]);
    const minus = (y: Tensor): Tensor => subtract(y, broadcast(center, y.shape));
    const centered = minus(x);
    const counted = source === x ? centered : minus(source);
    const moments = matmul(weight, matmul(counted, counted, false, true));
    const squares = sum(multiply(moments, weight), [axis]); // count times the variance, [..., o, 1]
    const deviation = sqrt(add(squares, count * this.epsilon));
    const inverse = divide(Math.sqrt(count), deviation);
    this.statistics.push({ name, mean: matmul(weight, center), inverse });
    const scale = gain
      ? divide(broadcast(multiply(gain, Math.sqrt(count)), deviation.shape), deviation)
      : inverse;
    return { weight: multiply(weight, broadcast(scale, weight.shape)), centered };
  }
}

const normalizedBy = ({ mean: center, inverse }: Statistics, x: Tensor): Tensor =>
  multiply(subtract(x, broadcast(center, x.shape)), broadcast(inverse, x.shape));
