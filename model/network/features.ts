import type { ModelConfiguration } from '../configuration.ts';
import type { CellContext } from './cell-context.ts';
import type { Weights } from '../graph/weights.ts';
import { cellNames } from '../search-space/genotype.ts';
import type { Genotype } from '../search-space/genotype.ts';
import { childCell } from './child.ts';
import { conv4Features } from './conv4.ts';
import { add, conv, matmul, maxPool, mean, multiply, relu, reshape, transpose } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { Normalizer } from '../layers/normalizer.ts';
import { supernetCell } from './supernet.ts';
import { windowMaximum, windowPatches } from '../layers/window-patches.ts';
import { cellGeometry, strideOf } from '../search-space/geometry.ts';
import { featureCount } from './weights.ts';

/** The network that a graph runs: the relaxed one-shot model, the child of one genotype, or MAML's base learner. */
export type NetworkKind =
  | { readonly kind: 'supernet' }
  | { readonly kind: 'child'; readonly genotype: Genotype }
  | { readonly kind: 'conv4' };

const halve = { kernel: 2, stride: 2, padding: 0 };

/**
 * T-NAS's stem (reference: conv, norm, ReLU, 2x2 max-pool, twice) of images [n, 3, s, s] in 0..1, which are centred to
 * -1..1 first, so that padding means grey; channel-major result [c, n·h·w]. Pooling comes before normalisation and
 * ReLU, which commute with a maximum and then see a quarter of the elements.
 */
function stem(images: Tensor, weights: Weights, normalizer: Normalizer, stride: number): Tensor {
  const [n, , size] = images.shape as [number, number, number];
  const half = size / (2 * stride);
  const patches = windowPatches(add(multiply(images, 2), -1), 'images-first', stride); // [27, 4 · n·h·w]
  const channels = patches.shape[0]!;
  const windows = reshape(patches, [channels, 4, n * half ** 2]);
  const source = normalizer.supportColumns(windows);
  const { weight, centered } = normalizer.linear(weights('stem.0'), patches, 'stem.0', {
    source: reshape(source, [channels, 4 * source.shape[2]!]),
  });
  const first = relu(windowMaximum(matmul(weight, centered))); // [c, n·h·w]
  const planes = reshape(first, [first.shape[0]!, n, half, half]);
  const second = conv(transpose(planes, [1, 0, 2, 3]), weights('stem.1'), { padding: 1 });
  const rows = transpose(second, [1, 0, 2, 3]); // [c, n, h, w]
  const pooled = maxPool(rows, halve);
  const [c, , side] = pooled.shape as [number, number, number];
  const normalization = normalizer.of(reshape(rows, [c, n * half ** 2]), 'stem.1');
  return relu(normalization(reshape(pooled, [c, n * side ** 2])));
}

/** Features [n, f] of images [n, 3, s, s], normalised by the statistics of the first `counted` of them. */
export function features(
  configuration: ModelConfiguration,
  network: NetworkKind,
  pixels: Tensor,
  weights: Weights,
  counted: number,
): { readonly features: Tensor; readonly normalizer: Normalizer } {
  const { epsilon } = configuration.normalization;
  const images = pixels.shape[0]!;
  if (network.kind === 'conv4') {
    const normalizer = new Normalizer(images, counted, epsilon, 'images-last');
    return { features: conv4Features(configuration, pixels, weights, normalizer), normalizer };
  }
  const normalizer = new Normalizer(images, counted, epsilon);
  return { features: cellFeatures(configuration, network, pixels, weights, normalizer), normalizer };
}

/** By stem, normal cell, reduction cell and global average. */
function cellFeatures(
  configuration: ModelConfiguration,
  network: Exclude<NetworkKind, { kind: 'conv4' }>,
  pixels: Tensor,
  weights: Weights,
  normalizer: Normalizer,
): Tensor {
  const {
    image: { stride },
    supernet: { nodes, rectified },
  } = configuration;
  const images = normalizer.images;
  const geometry = cellGeometry(configuration);
  const image = stem(pixels, weights, normalizer, stride);
  let [previous, current] = [image, image];
  for (const cell of cellNames) {
    const stride = (source: number): 1 | 2 => strideOf(cell, source);
    const context: CellContext = { cell, nodes, images, weights, normalizer, stride };
    const inputs = [previous, current].map((x, i) =>
      normalizer.project(weights(`${cell}.preprocess.${i}`), relu(x), `${cell}.preprocess.${i}`),
    ) as [Tensor, Tensor];
    const side = geometry[cell].side;
    const output =
      network.kind === 'supernet'
        ? supernetCell(context, inputs, side)
        : childCell(context, inputs, side, network.genotype[cell]);
    [previous, current] = [current, output];
  }
  const plane = geometry.reduction.outputSide ** 2;
  const count = featureCount(configuration);
  const maps = rectified ? relu(current) : current;
  return transpose(reshape(mean(reshape(maps, [count, images, plane]), [2]), [count, images]), [1, 0]);
}
