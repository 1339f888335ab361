import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { cellNames, genotypeKey } from '../search-space/genotype.ts';
import { multiplyAddsOf } from '../graph/arithmetic.ts';
import type { GraphFunction } from '../graph/graph.ts';
import type { OnnxModel } from '../graph/onnx/encode.ts';
import { toOnnxModel } from '../graph/onnx/lowering.ts';
import { add, maxPool, mean, mirror, multiply, relu, reshape, softmax } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { ChildCells } from './child-cells.ts';
import type { AdaptedChild } from './child-cells.ts';
import { knownProbability } from './open-set.ts';
import { featureCount } from '../network/weights.ts';
import { cellGeometry } from '../search-space/geometry.ts';

/** Raise it when the same task, of images or of regression, would be exported as other bytes: ids of tasks contain it. */
export const exporterVersion = 6;

/** The preprocessing that a client does: everything else is inside the exported graph. */
export const preprocessing = 'RGB, squeezed to the input size (Lanczos), divided by 255, planar [n, 3, s, s]';

/**
 * The child as plain image operators [n, c, h, w] with every normalisation folded into the weights before it: the
 * graph of the exported file. `batch` is the static batch of the graph; the file's batch axis is dynamic.
 *
 * Where the task is mirrored, the head reads the mean of the features of an image and of its mirror image
 * (docs/adr/0015-mirror-images.md); `known` is of the image's own, as those of the support set that it was calibrated on.
 *
 * `probabilities` come last: runtimes that are asked for no output by name give the last one.
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
  readonly #configuration: Checkpoint['configuration'];
  readonly #mirrored: boolean;
  readonly #cells: ChildCells;

  constructor(configuration: Checkpoint['configuration'], child: AdaptedChild) {
    this.#configuration = configuration;
    this.#mirrored = child.mirrored;
    this.#cells = new ChildCells(configuration, child, 'into-weights');
  }

  /**
   * Of the images, [batch, f], and what the head reads of them. Mirror images go through a second branch of the same
   * weights: a batch that is doubled and parted again is more than some runtimes follow.
   */
  features(batch: number): { readonly own: Tensor; readonly read: Tensor } {
    const { size } = this.#configuration.image;
    const images = this.#cells.graph.input('image', [batch, 3, size, size]);
    const count = featureCount(this.#configuration);
    const featuresOf = (x: Tensor): Tensor => reshape(this.#means(x), [batch, count]);
    const own = featuresOf(images);
    if (!this.#mirrored) return { own, read: own };
    return { own, read: multiply(add(own, featuresOf(mirror(images, 3))), 0.5) };
  }

  /** [batch, way]. */
  logits(features: Tensor, way: number): Tensor {
    return this.#cells.logits(features, way);
  }

  /** Means over the last cell's planes, [n, f, 1, 1]. */
  #means(images: Tensor): Tensor {
    const { image, supernet } = this.#configuration;
    const centered = add(multiply(images, 2), -1);
    const halve = { kernel: 2, stride: 2, padding: 0 };
    const [first, second] = supernet.stem;
    const stemmed = (
      x: Tensor,
      name: string,
      shape: readonly number[],
      geometry: { padding: number; stride?: number },
    ) => relu(maxPool(this.#cells.normalizedConv(x, name, name, shape, geometry), halve));
    const stem0 = stemmed(centered, 'stem.0', [first, 3, 3, 3], { padding: 1, stride: image.stride });
    const stem1 = stemmed(stem0, 'stem.1', [second, first, 3, 3], { padding: 1 });
    let [previous, current] = [stem1, stem1];
    for (const cell of cellNames) {
      const { channels, inputs: widths } = cellGeometry(this.#configuration)[cell];
      const inputs = [previous, current].map((x, i) => {
        const name = `${cell}.preprocess.${i}`;
        return this.#cells.normalizedConv(relu(x), name, name, [channels, widths[i]!, 1, 1]);
      }) as [Tensor, Tensor];
      [previous, current] = [current, this.#cells.cell(cell, inputs)];
    }
    return mean(supernet.rectified ? relu(current) : current, [2, 3]);
  }
}

/** Multiply-adds of one image through the convolutions and products of a graph function of static batch `batch`. */
export function multiplyAdds({ outputs }: GraphFunction, batch = 2): number {
  return multiplyAddsOf(Object.values(outputs)) / batch;
}

/** Weights that were adapted. */
export const weightCount = ({ weights }: AdaptedChild): number =>
  Object.values(weights).reduce((total, values) => total + values.length, 0);

/** What an exported file says of itself to any runtime. */
export const childMetadata = (
  { id }: Pick<Checkpoint, 'id'>,
  { genotype }: AdaptedChild,
  labels: readonly string[],
  size: number,
): Record<string, string> => ({
  names: JSON.stringify(labels),
  imgsz: JSON.stringify([size, size]),
  preprocessing,
  checkpoint: id,
  genotype: JSON.stringify(genotype),
  genotype_key: genotypeKey(genotype),
  'Image.BitmapPixelFormat': 'Rgb8',
  'Image.ColorSpaceGamma': 'SRGB',
  'Image.NominalPixelRange': 'Normalized_0_1',
});

/** Of every exported file of images. */
export const childDocumentation = 'Few-shot image classifier made by M-NAS for one task';

/** The client's file of a child that reads pixels: dynamic batch `n`, standard operators of opset 17, metadata for any runtime. */
export const childModel = (
  checkpoint: Pick<Checkpoint, 'id' | 'configuration'>,
  child: AdaptedChild,
  labels: readonly string[],
  built: GraphFunction,
): OnnxModel =>
  toOnnxModel(built, {
    dynamicBatch: 'n',
    portable: true,
    metadata: childMetadata(checkpoint, child, labels, checkpoint.configuration.image.size),
    documentation: childDocumentation,
  });
