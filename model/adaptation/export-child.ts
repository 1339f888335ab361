import { convolutionOf, edgeName, isConvolution } from '../network/child.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { cellNames, genotypeKey } from '../search-space/genotype.ts';
import type { CellGenotype, CellName, Genotype, GenotypeEdge } from '../search-space/genotype.ts';
import { multiplyAddsOf } from '../graph/arithmetic.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphFunction } from '../graph/graph.ts';
import { toOnnx } from '../graph/onnx/lowering.ts';
import {
  add,
  averagePool,
  broadcast,
  concat,
  conv,
  matmul,
  maxPool,
  mean,
  mirror,
  multiply,
  relu,
  reshape,
  softmax,
} from '../graph/operations.ts';
import type { Convolution, Tensor } from '../graph/primitives.ts';
import { sizeOf } from '../graph/shapes.ts';
import type { Shape } from '../graph/shapes.ts';
import { knownProbability } from './open-set.ts';
import type { OpenSet } from './open-set.ts';
import { cellGeometry, featureCount, strideOf } from '../parameters.ts';
import type { Values } from '../graph/programs.ts';

/** Raise it when the same task, of images or of regression, would be exported as other bytes: ids of tasks contain it. */
export const exporterVersion = 6;

/** The preprocessing that a client does: everything else is inside the exported graph. */
export const preprocessing = 'RGB, squeezed to the input size (Lanczos), divided by 255, planar [n, 3, s, s]';

/** The adapted child: weights, and the support set's statistics `mean.NAME` and `inverse.NAME` of every normalisation. */
export interface AdaptedChild {
  readonly genotype: Genotype;
  readonly weights: Values;
  readonly statistics: Values;
  readonly openSet: OpenSet;
  /** Whether an image and its mirror image are answered together. */
  readonly mirrored: boolean;
}

/**
 * The child as plain image operators [n, c, h, w] with every normalisation folded into the weights before it: the
 * graph of the exported file. `batch` is the static batch of the graph; the file's batch axis is dynamic.
 *
 * Where the task is mirrored, the head reads the mean of the features of an image and of its mirror image
 * (docs/adr/0015-mirror-images.md); `known` is of the image's own, as those of the support set that it was calibrated on.
 *
 * `probabilities` come last: OpenCV 4 gives the last output where it is asked for none by name.
 */
export function childFunction(
  checkpoint: Pick<Checkpoint, 'configuration'>,
  child: AdaptedChild,
  way: number,
  batch = 2,
): GraphFunction {
  const builder = new ChildBuilder(checkpoint.configuration, child);
  const { own, read } = builder.features(batch);
  const logits = builder.logits(read, way);
  const known = knownProbability(own, child.openSet);
  return { name: 'm-nas-child', outputs: { logits, known, probabilities: softmax(logits) } };
}

class ChildBuilder {
  readonly #graph = new Graph();
  readonly #configuration: Checkpoint['configuration'];
  readonly #child: AdaptedChild;
  readonly #constants = new Map<string, Tensor>();

  constructor(configuration: Checkpoint['configuration'], child: AdaptedChild) {
    this.#configuration = configuration;
    this.#child = child;
  }

  /**
   * Of the images, [batch, f], and what the head reads of them. Mirror images go through a second branch of the same
   * weights: a batch that is doubled and parted again is more than some runtimes follow (docs/onnx.md).
   */
  features(batch: number): { readonly own: Tensor; readonly read: Tensor } {
    const { size } = this.#configuration.image;
    const images = this.#graph.input('image', [batch, 3, size, size]);
    const count = featureCount(this.#configuration);
    const featuresOf = (x: Tensor): Tensor => reshape(this.#means(x), [batch, count]);
    const own = featuresOf(images);
    if (!this.#child.mirrored) return { own, read: own };
    return { own, read: multiply(add(own, featuresOf(mirror(images, 3))), 0.5) };
  }

  /** Means over the last cell's planes, [n, f, 1, 1]. */
  #means(images: Tensor): Tensor {
    const { image, supernet } = this.#configuration;
    const centered = add(multiply(images, 2), -1);
    const halve = { kernel: 2, stride: 2, padding: 0 };
    const [first, second] = supernet.stem;
    const stem0 = relu(
      maxPool(
        this.#normalizedConv(centered, 'stem.0', 'stem.0', [first, 3, 3, 3], {
          padding: 1,
          stride: image.stride,
        }),
        halve,
      ),
    );
    const stem1 = relu(
      maxPool(this.#normalizedConv(stem0, 'stem.1', 'stem.1', [second, first, 3, 3], { padding: 1 }), halve),
    );
    let [previous, current] = [stem1, stem1];
    for (const cell of cellNames) {
      const output = this.#cell(cell, [previous, current], this.#child.genotype[cell]);
      [previous, current] = [current, output];
    }
    return mean(supernet.rectified ? relu(current) : current, [2, 3]);
  }

  /** [batch, way]. */
  logits(features: Tensor, way: number): Tensor {
    const product = matmul(features, this.#headMatrix(way, features.shape[1]!));
    const bias = this.#constant('head.bias', [1, way], () => this.#weight('head.bias'));
    return add(product, broadcast(bias, product.shape));
  }

  /** The head's weights [way, f], stored transposed so that the file needs no transposition. */
  #headMatrix(way: number, count: number): Tensor {
    const weight = this.#weight('head.weight');
    return this.#constant('head.weight', [count, way], () =>
      weight.map((_, i) => weight[(i % way) * count + Math.floor(i / way)]!),
    );
  }

  #weight(name: string): Float32Array {
    const value = this.#child.weights[name] ?? this.#child.statistics[name];
    if (!value) throw new Error(`the adapted child has no ${name}`);
    return value;
  }

  /** The constant of this name, which the branches of an image and of its mirror image share. */
  #constant(name: string, shape: Shape, values: () => Float32Array): Tensor {
    const made = this.#constants.get(name) ?? this.#graph.constant(Float64Array.from(values()), shape);
    this.#constants.set(name, made);
    return made;
  }

  /** Of a folded normalisation y = x · inverse - mean · inverse. */
  #shift(x: Tensor, name: string): Tensor {
    const [center, scale] = [this.#weight(`mean.${name}`), this.#weight(`inverse.${name}`)];
    const shape = [1, scale.length, 1, 1];
    const shift = this.#constant(`${name}.shift`, shape, () =>
      scale.map((inverse, i) => -center[i]! * inverse),
    );
    return add(x, broadcast(shift, x.shape));
  }

  #normalizedConv(
    x: Tensor,
    weight: string,
    statistics: string,
    shape: Shape,
    geometry: Partial<Convolution>,
  ): Tensor {
    const scale = this.#weight(`inverse.${statistics}`);
    const perOutput = sizeOf(shape) / shape[0]!;
    const folded = this.#constant(`${weight}.folded`, shape, () =>
      this.#weight(weight).map((w, i) => w * scale[Math.floor(i / perOutput)]!),
    );
    return this.#shift(conv(x, folded, geometry), statistics);
  }

  #normalized(x: Tensor, name: string): Tensor {
    const inverse = this.#weight(`inverse.${name}`);
    const scale = this.#constant(`${name}.scale`, [1, inverse.length, 1, 1], () => inverse);
    return this.#shift(multiply(x, broadcast(scale, x.shape)), name);
  }

  #cell(cell: CellName, inputs: readonly [Tensor, Tensor], genotype: CellGenotype): Tensor {
    const { channels, inputs: widths } = cellGeometry(this.#configuration)[cell];
    const known = inputs.map((x, i) => {
      const name = `${cell}.preprocess.${i}`;
      return this.#normalizedConv(relu(x), name, name, [channels, widths[i]!, 1, 1], {});
    });
    genotype.nodes.forEach((edges, target) => {
      const parts = edges.map((edge) => this.#edge(cell, known[edge.input]!, edge, target, channels));
      known.push(parts.reduce((total, part) => add(total, part)));
    });
    return concat(known.slice(2), 1);
  }

  #edge(cell: CellName, x: Tensor, { operation, input }: GenotypeEdge, target: number, c: number): Tensor {
    const name = edgeName(cell, input, target);
    const stride = strideOf(cell, input);
    const window = { kernel: 3, stride, padding: 1 };
    if (operation === 'max_pool_3x3') return this.#normalized(maxPool(x, window), name);
    if (operation === 'avg_pool_3x3') return this.#normalized(averagePool(x, window), name);
    if (!isConvolution(operation)) {
      return stride === 1 ? x : this.#normalizedConv(relu(x), `${name}.skip`, name, [c, c, 1, 1], { stride });
    }
    const { kernel, dilation, twice } = convolutionOf(operation);
    const half = (y: Tensor, part: 'first' | 'second', by: number): Tensor => {
      const weight = `${name}.depthwise.${part}`;
      const kernels = this.#constant(weight, [c, 1, kernel, kernel], () => this.#weight(weight));
      const spatial = conv(relu(y), kernels, {
        stride: by,
        dilation,
        padding: (dilation * (kernel - 1)) / 2,
        groups: c,
      });
      return this.#normalizedConv(spatial, `${name}.pointwise.${part}`, `${name}.${part}`, [c, c, 1, 1], {});
    };
    const once = half(x, 'first', stride);
    return twice ? half(once, 'second', 1) : once;
  }
}

/** Multiply-adds of one image through the convolutions and products of a graph function of static batch `batch`. */
export function multiplyAdds({ outputs }: GraphFunction, batch = 2): number {
  return multiplyAddsOf(Object.values(outputs)) / batch;
}

/** The bytes of the client's file: dynamic batch `n`, standard operators of opset 17, metadata for any runtime. */
export function exportChild(
  checkpoint: Pick<Checkpoint, 'id' | 'configuration'>,
  child: AdaptedChild,
  labels: readonly string[],
  built: GraphFunction,
): Uint8Array {
  const { size } = checkpoint.configuration.image;
  return toOnnx(built, {
    dynamicBatch: 'n',
    portable: true,
    metadata: {
      names: JSON.stringify(labels),
      imgsz: JSON.stringify([size, size]),
      preprocessing,
      checkpoint: checkpoint.id,
      genotype: JSON.stringify(child.genotype),
      genotype_key: genotypeKey(child.genotype),
      'Image.BitmapPixelFormat': 'Rgb8',
      'Image.ColorSpaceGamma': 'SRGB',
      'Image.NominalPixelRange': 'Normalized_0_1',
    },
    documentation: 'Few-shot image classifier made by M-NAS for one task',
  });
}
