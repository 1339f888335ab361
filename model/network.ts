import type { ModelConfiguration } from './configuration.ts';
import type { CellContext, Weights } from './cell.ts';
import { cellNames } from './genotype.ts';
import type { Genotype } from './genotype.ts';
import { childCell } from './child.ts';
import type { Graph } from './graph/graph.ts';
import {
  add,
  broadcast,
  divide,
  concat,
  conv,
  matmul,
  maxPool,
  mean,
  multiply,
  pad,
  relu,
  reshape,
  slice,
  sum,
  transpose,
} from './graph/operations.ts';
import type { Tensor } from './graph/primitives.ts';
import type { Normalizer } from './layers.ts';
import { cellGeometry, featureCount } from './parameters.ts';
import { supernetCell } from './supernet.ts';

/** The network that a graph runs: the relaxed one-shot model, or the child of one genotype. */
export type NetworkKind =
  { readonly kind: 'supernet' } | { readonly kind: 'child'; readonly genotype: Genotype };

/**
 * 3x3 patches of the images, [27, n·s·s]: the stem's first convolution becomes a product over all images.
 * `images` is [n, 3, s, s] in 0..1; it is centred to -1..1 first, so that padding means grey.
 */
export function imagePatches(images: Tensor): Tensor {
  const [n, channels, side] = images.shape as [number, number, number];
  const centered = add(multiply(images, 2), -1);
  const planes = transpose(reshape(centered, [n, channels, side, side]), [1, 0, 2, 3]); // [3, n, s, s]
  const padded = pad(pad(planes, 2, 1, 1), 3, 1, 1);
  const taps = Array.from({ length: 9 }, (_, tap) =>
    slice(slice(padded, 2, Math.floor(tap / 3), side), 3, tap % 3, side),
  );
  const stacked = concat(
    taps.map((tap) => reshape(tap, [channels, 1, n * side * side])),
    1,
  ); // [3, 9, n·s·s]
  return reshape(stacked, [channels * 9, n * side * side]);
}

const halve = { kernel: 2, stride: 2, padding: 0 };

/** T-NAS's stem (reference: conv, norm, ReLU, 2x2 max-pool, twice); channel-major result [c, n·h·w]. */
function stem(
  patches: Tensor,
  images: number,
  size: number,
  weights: Weights,
  normalizer: Normalizer,
): Tensor {
  const first = normalizer.apply(matmul(weights('stem.0'), patches), 'stem.0');
  // ReLU and max-pool commute; pooled first, ReLU sees a quarter of the elements.
  const pooled = relu(maxPool(reshape(first, [first.shape[0]!, images, size, size]), halve)); // [c, n, s/2, s/2]
  const half = pooled.shape[2]!;
  const second = conv(transpose(pooled, [1, 0, 2, 3]), weights('stem.1'), { padding: 1 });
  const channels = second.shape[1]!;
  const major = reshape(transpose(second, [1, 0, 2, 3]), [channels, images * half * half]);
  const normalized = normalizer.apply(major, 'stem.1');
  const result = relu(maxPool(reshape(normalized, [channels, images, half, half]), halve));
  return reshape(result, [channels, images * result.shape[2]! ** 2]);
}

/**
 * Features [n, f] of the images behind `patches` [27, n·s·s] by stem, normal cell, reduction cell and global average.
 */
export function features(
  configuration: ModelConfiguration,
  network: NetworkKind,
  patches: Tensor,
  weights: Weights,
  normalizer: Normalizer,
): Tensor {
  const { size } = configuration.image;
  const { nodes } = configuration.supernet;
  const images = normalizer.images;
  const geometry = cellGeometry(configuration);
  const image = stem(patches, images, size, weights, normalizer);
  let [previous, current] = [image, image];
  for (const cell of cellNames) {
    const context: CellContext = { cell, nodes, images, weights, normalizer };
    const inputs = [previous, current].map((x, i) =>
      normalizer.apply(matmul(weights(`${cell}.preprocess.${i}`), relu(x)), `${cell}.preprocess.${i}`),
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
  return transpose(reshape(mean(reshape(current, [count, images, plane]), [2]), [count, images]), [1, 0]);
}

/** Logits [n, way] of features [n, f] by the linear head: W [way, f], b [1, way]. */
export function headLogits(x: Tensor, weights: Weights): Tensor {
  const logits = matmul(x, weights('head.weight'), false, true);
  return add(logits, broadcast(weights('head.bias'), logits.shape));
}

/**
 * The head before adaptation. `prototype`: distance to the class mean μ, as the linear head W = 2sμ, b = -s‖μ‖²
 * (Snell et al. 2017; Triantafillou et al. 2020); `shared`: one vector for every class. Neither depends on the class
 * order or count (docs/adr/0003-head.md).
 */
export function initialHead(
  graph: Graph,
  kind: ModelConfiguration['head']['kind'],
  weights: Weights,
  given: { readonly features: () => Tensor; readonly targets: Tensor; readonly scale: () => Tensor },
): { readonly weight: Tensor; readonly bias: Tensor } {
  const way = given.targets.shape[1]!;
  if (kind === 'shared') {
    const vector = weights('head.vector');
    return { weight: broadcast(vector, [way, vector.shape[1]!]), bias: graph.constant([0], [1, way]) };
  }
  const x = given.features();
  const counts = sum(given.targets, [0]); // [1, way]
  const shares = multiply(given.targets, broadcast(divide(1, counts), given.targets.shape));
  const means = matmul(shares, x, true, false); // [way, f]
  const scaled = multiply(means, broadcast(given.scale(), means.shape));
  return {
    weight: multiply(scaled, 2),
    bias: reshape(multiply(sum(multiply(scaled, means), [1]), -1), [1, way]),
  };
}
