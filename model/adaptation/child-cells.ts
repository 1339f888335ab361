import type { ModelConfiguration } from '../configuration.ts';
import { convolutionOf, edgeName, isConvolution } from '../network/child.ts';
import { Graph } from '../graph/graph.ts';
import {
  add,
  averagePool,
  broadcast,
  concat,
  conv,
  matmul,
  maxPool,
  multiply,
  relu,
} from '../graph/operations.ts';
import type { Convolution, Tensor } from '../graph/primitives.ts';
import type { Values } from '../graph/programs.ts';
import { sizeOf } from '../graph/shapes.ts';
import type { Shape } from '../graph/shapes.ts';
import { cellGeometry, strideOf } from '../search-space/geometry.ts';
import type { CellName, Genotype, GenotypeEdge } from '../search-space/genotype.ts';
import type { OpenSet } from './open-set.ts';

/** The adapted child: weights, and the support set's statistics `mean.NAME` and `inverse.NAME` of every normalisation. */
export interface AdaptedChild {
  readonly genotype: Genotype;
  readonly weights: Values;
  readonly statistics: Values;
  readonly openSet: OpenSet;
  /** Whether an image and its mirror image are answered together. */
  readonly mirrored: boolean;
}

/** Whether a result of the last pass over a support set is one of the child's statistics. */
export const isStatistic = (name: string): boolean => /^(mean|inverse|center)\./.test(name);

/**
 * Where a normalisation's scale goes: into the weights of the convolution before it, or behind that convolution, which
 * keeps its weights as they are. On a trunk they are float16 numbers, and stay ones.
 */
export type Scaling = 'into-weights' | 'behind';

/** Builds a child's cells and head of plain image operators [n, c, h, w], every normalisation folded into constants. */
export class ChildCells {
  readonly graph = new Graph();
  readonly #configuration: ModelConfiguration;
  readonly #child: AdaptedChild;
  readonly #scaling: Scaling;
  readonly #constants = new Map<string, Tensor>();

  constructor(configuration: ModelConfiguration, child: AdaptedChild, scaling: Scaling) {
    this.#configuration = configuration;
    this.#child = child;
    this.#scaling = scaling;
  }

  /** Logits [batch, way] of what the head reads, [batch, f]. */
  logits(features: Tensor, way: number): Tensor {
    const product = matmul(features, this.#headMatrix(way, features.shape[1]!));
    const bias = this.constant('head.bias', [1, way], () => this.value('head.bias'));
    return add(product, broadcast(bias, product.shape));
  }

  /** The head's weights [way, f], stored transposed so that the file needs no transposition. */
  #headMatrix(way: number, count: number): Tensor {
    const weight = this.value('head.weight');
    return this.constant('head.weight', [count, way], () =>
      weight.map((_, i) => weight[(i % way) * count + Math.floor(i / way)]!),
    );
  }

  /** A weight or a statistic of the child. @throws Error when it has none of that name */
  value(name: string): Float32Array {
    const value = this.#child.weights[name] ?? this.#child.statistics[name];
    if (!value) throw new Error(`the adapted child has no ${name}`);
    return value;
  }

  /** The constant of this name, which the branches of an image and of its mirror image share. */
  constant(name: string, shape: Shape, values: () => Float32Array): Tensor {
    const made = this.#constants.get(name) ?? this.graph.constant(new Float64Array(values()), shape);
    this.#constants.set(name, made);
    return made;
  }

  /** A convolution by `weight` and the normalisation `statistics` behind it: y = x · inverse - mean · inverse. */
  normalizedConv(
    x: Tensor,
    weight: string,
    statistics: string,
    shape: Shape,
    geometry: Partial<Convolution> = {},
  ): Tensor {
    if (this.#scaling === 'behind') {
      const kernels = this.constant(weight, shape, () => this.value(weight));
      return this.#normalized(conv(x, kernels, geometry), statistics);
    }
    const scale = this.value(`inverse.${statistics}`);
    const perOutput = sizeOf(shape) / shape[0]!;
    const folded = this.constant(`${weight}.folded`, shape, () =>
      this.value(weight).map((w, i) => w * scale[Math.floor(i / perOutput)]!),
    );
    return this.#shift(conv(x, folded, geometry), statistics);
  }

  #normalized(x: Tensor, name: string): Tensor {
    const inverse = this.value(`inverse.${name}`);
    const scale = this.constant(`${name}.scale`, [1, inverse.length, 1, 1], () => inverse);
    return this.#shift(multiply(x, broadcast(scale, x.shape)), name);
  }

  #shift(x: Tensor, name: string): Tensor {
    const [center, scale] = [this.value(`mean.${name}`), this.value(`inverse.${name}`)];
    const shift = this.constant(`${name}.shift`, [1, scale.length, 1, 1], () =>
      scale.map((inverse, i) => -center[i]! * inverse),
    );
    return add(x, broadcast(shift, x.shape));
  }

  /** A cell on its two projected inputs: the concatenated intermediate nodes. */
  cell(cell: CellName, inputs: readonly [Tensor, Tensor]): Tensor {
    const known: Tensor[] = [...inputs];
    this.#child.genotype[cell].nodes.forEach((edges, target) => {
      const parts = edges.map((edge) => this.#edge(cell, known[edge.input]!, edge, target));
      known.push(parts.reduce((total, part) => add(total, part)));
    });
    return concat(known.slice(2), 1);
  }

  #edge(cell: CellName, x: Tensor, { operation, input }: GenotypeEdge, target: number): Tensor {
    const c = cellGeometry(this.#configuration)[cell].channels;
    const name = edgeName(cell, input, target);
    const stride = strideOf(cell, input, this.#configuration.trunk !== undefined);
    const window = { kernel: 3, stride, padding: 1 };
    if (operation === 'max_pool_3x3') return this.#normalized(maxPool(x, window), name);
    if (operation === 'avg_pool_3x3') return this.#normalized(averagePool(x, window), name);
    if (!isConvolution(operation)) {
      return stride === 1 ? x : this.normalizedConv(relu(x), `${name}.skip`, name, [c, c, 1, 1], { stride });
    }
    const { kernel, dilation, twice } = convolutionOf(operation);
    const half = (y: Tensor, part: 'first' | 'second', by: number): Tensor => {
      const weight = `${name}.depthwise.${part}`;
      const kernels = this.constant(weight, [c, 1, kernel, kernel], () => this.value(weight));
      const spatial = conv(relu(y), kernels, {
        stride: by,
        dilation,
        padding: (dilation * (kernel - 1)) / 2,
        groups: c,
      });
      return this.normalizedConv(spatial, `${name}.pointwise.${part}`, `${name}.${part}`, [c, c, 1, 1]);
    };
    const once = half(x, 'first', stride);
    return twice ? half(once, 'second', 1) : once;
  }
}
