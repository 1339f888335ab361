import {
  add,
  broadcast,
  divide,
  inverseDeviation,
  matmul,
  mean,
  multiply,
  normalize,
  relu,
  reshape,
  slice,
  sqrt,
  subtract,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { blended } from './learned-statistics.ts';
import type { LearnedStatistics } from './learned-statistics.ts';

/** Statistics of one normalisation: per channel mean and inverse deviation, [..., c, 1]. */
export interface Statistics {
  readonly name: string;
  readonly mean: Tensor;
  readonly inverse: Tensor;
}

/** The parts of W' (x - m) + b: [..., o, c], [..., c, images · h · w], and [..., o, 1] where the statistics are blended. */
export interface Linear {
  readonly weight: Tensor;
  readonly centered: Tensor;
  readonly shift: Tensor | null;
}

/** Where the image comes in the order of channel-major columns: before the place in it, or after. */
export type ImageOrder = 'images-first' | 'images-last';

/**
 * Normalisation of channel-major activations [..., c, images · h · w], or [..., c, h · w · images] with images last,
 * without affine parameters.
 * The statistics are those of the first `statisticsImages` images: all of the batch in the paper's (transductive)
 * mode, the support set alone in the served mode (docs/adr/0004-normalization.md); with `learned`, they are blended with
 * what training has learned.
 */
export class Normalizer {
  readonly statistics: Statistics[] = [];
  readonly images: number;
  readonly statisticsImages: number;
  readonly epsilon: number;
  readonly order: ImageOrder;
  readonly learned: LearnedStatistics | null;

  constructor(
    images: number,
    statisticsImages: number,
    epsilon: number,
    order: ImageOrder = 'images-first',
    learned: LearnedStatistics | null = null,
  ) {
    this.learned = learned;
    this.images = images;
    this.statisticsImages = statisticsImages;
    this.epsilon = epsilon;
    this.order = order;
  }

  apply(x: Tensor, name: string): Tensor {
    const statistics = this.#statisticsOf(x, name);
    const whole = this.statisticsImages === this.images && !this.learned;
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
    const axis = x.shape.length - 1;
    const center = mean(source, [axis]);
    const statistics = this.learned
      ? this.#blended(this.learned, name, center, mean(multiply(source, source), [axis]))
      : { name, mean: center, inverse: inverseDeviation(source, this.epsilon) };
    this.statistics.push(statistics);
    return statistics;
  }

  /** Of own and learned statistics; moments are blended, so the variance is that of the two populations together. */
  #blended({ share, of }: LearnedStatistics, name: string, own: Tensor, ownSquare: Tensor): Statistics {
    const learned = of(name);
    const center = blended(share, own, learned.mean);
    const square = blended(share, ownSquare, learned.square);
    const variance = relu(subtract(square, multiply(center, center))); // rounding can leave it below zero
    return { name, mean: center, inverse: divide(1, sqrt(add(variance, this.epsilon))) };
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
    return productOf(this.linear(weight, x, name));
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
    if (this.learned) {
      const own = matmul(weight, center);
      const ownSquare = add(multiply(squares, 1 / count), multiply(own, own));
      const statistics = this.#blended(this.learned, name, own, ownSquare);
      this.statistics.push(statistics);
      const factor = gain
        ? multiply(broadcast(gain, statistics.inverse.shape), statistics.inverse)
        : statistics.inverse;
      return {
        weight: multiply(weight, broadcast(factor, weight.shape)),
        centered,
        shift: multiply(factor, subtract(own, statistics.mean)),
      };
    }
    const deviation = sqrt(add(squares, count * this.epsilon));
    const inverse = divide(Math.sqrt(count), deviation);
    this.statistics.push({ name, mean: matmul(weight, center), inverse });
    const scale = gain
      ? divide(broadcast(multiply(gain, Math.sqrt(count)), deviation.shape), deviation)
      : inverse;
    return { weight: multiply(weight, broadcast(scale, weight.shape)), centered, shift: null };
  }
}

/** W' (x - m) + b. */
export function productOf({ weight, centered, shift }: Linear): Tensor {
  const product = matmul(weight, centered);
  return shift ? add(product, broadcast(shift, product.shape)) : product;
}

const normalizedBy = ({ mean: center, inverse }: Statistics, x: Tensor): Tensor =>
  multiply(subtract(x, broadcast(center, x.shape)), broadcast(inverse, x.shape));
