import type { ModelConfiguration } from '../configuration.ts';
import {
  add,
  broadcast,
  concat,
  divide,
  mean,
  multiply,
  relu,
  reshape,
  slice,
  softmax,
  sqrt,
  subtract,
  sum,
  transpose,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { Weights } from '../graph/weights.ts';
import { blended } from '../layers/learned-statistics.ts';
import type { LearnedStatistics } from '../layers/learned-statistics.ts';
import { Normalizer } from '../layers/normalizer.ts';
import { cellsSource } from '../search-space/genotype.ts';
import { cellSides, sourceNames, tapSlots } from '../search-space/taps.ts';
import type { TapSlot } from '../search-space/taps.ts';
import { tapMixName } from '../search-space/mix-names.ts';
import { averagedTo, channelMajor, pooled, tapPlanes } from '../search-space/tap-planes.ts';
import type { CellContext } from './cell-context.ts';
import { childCell } from './child.ts';
import type { NetworkKind } from './features.ts';
import { supernetCell } from './supernet.ts';
import { strideOf } from '../search-space/geometry.ts';

/** A network of cells on a trunk: the relaxed one-shot model or the child of a genotype. */
export type TrunkNetworkKind = Exclude<NetworkKind, { kind: 'conv4' }>;

/** Rows of a set of images: `views` of each, one view of all images after the other. */
export interface ViewedSet {
  readonly images: number;
  readonly views: number;
}

/** Number of rows of a set. */
export const rowsOf = ({ images, views }: ViewedSet): number => images * views;

/** Features of one source: [images, f], averaged over an image's views. */
interface Source {
  readonly name: string;
  readonly features: Tensor;
}

/** The sources of features that a network has, cells first: all, or those that a child's genotype reads. */
export function sourcesOf(configuration: ModelConfiguration, network: TrunkNetworkKind): string[] {
  const all = sourceNames(configuration);
  if (network.kind === 'supernet') return all;
  const beside = network.genotype.taps?.beside ?? [];
  return all.filter((name) => name === cellsSource || beside.includes(name));
}

/** What the head reads, and the statistics that made it. */
export interface TrunkFeatures {
  /** [images of all sets, Σ f] */
  readonly features: Tensor;
  readonly normalizer: Normalizer;
  /** What is subtracted from each source's features, [1, f]. */
  readonly centers: Readonly<Record<string, Tensor>>;
}

/** Added to a squared length: keeps features finite where they are all alike. */
export const leastLength = 1e-6;

/** The parameter that holds a source's scales by channel. */
export const besideName = (source: string): string => `beside.${source}`;

/**
 * Features of rows of planes [rows, P], the sets one after the other; the statistics are those of the first `counted` sets,
 * blended with the learned ones. Of every source the mean over an image's views, centred, scaled by channel, of unit length, times the
 * root of its share: so a product of two images' features is the sum of their similarities, weighted by the shares.
 */
export function trunkFeatures(
  configuration: ModelConfiguration,
  network: TrunkNetworkKind,
  rows: Tensor,
  weights: Weights,
  { sets, counted }: { readonly sets: readonly ViewedSet[]; readonly counted: number },
  learned: LearnedStatistics,
): TrunkFeatures {
  const own = sets.slice(0, counted);
  const { epsilon } = configuration.normalization;
  const normalizer = new Normalizer(rows.shape[0]!, total(own.map(rowsOf)), epsilon, 'images-first', learned);
  const images = total(own.map((set) => set.images));
  const sources = trunkSources(configuration, network, rows, weights, normalizer).map(
    ({ name, features }): Source => ({ name, features: overViews(features, sets) }),
  );
  const centers = Object.fromEntries(
    sources.map(({ name, features }) => {
      const center = mean(slice(features, 0, 0, images), [0]); // [1, f]
      return [name, blended(learned.centerShare, center, learned.center(name))];
    }),
  );
  const shares = sharesOf(configuration, network, weights);
  const parts = sources.map(({ name, features }, i) => {
    const like = (x: Tensor): Tensor => broadcast(x, features.shape);
    const scaled = multiply(subtract(features, like(centers[name]!)), like(weights(besideName(name))));
    const length = sqrt(add(sum(multiply(scaled, scaled), [1]), leastLength)); // [n, 1]
    const root = broadcast(sqrt(slice(shares, 1, i, 1)), length.shape);
    return multiply(scaled, like(divide(root, length)));
  });
  return { features: concat(parts, 1), normalizer, centers };
}

/** The shares of a network's sources, which sum to one: [1, sources]. */
export function sharesOf(
  configuration: ModelConfiguration,
  network: TrunkNetworkKind,
  weights: Weights,
): Tensor {
  const all = sourceNames(configuration);
  const logits = sourcesOf(configuration, network).map((name) =>
    slice(weights('shares'), 1, all.indexOf(name), 1),
  );
  return softmax(logits.length === 1 ? logits[0]! : concat(logits, 1));
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

/** Means over the views of every set: [rows, f] -> [images, f]. */
function overViews(x: Tensor, sets: readonly ViewedSet[]): Tensor {
  const width = x.shape[1]!;
  let start = 0;
  const means = sets.map(({ images, views }) => {
    const own = slice(x, 0, start, images * views);
    start += images * views;
    return views === 1 ? own : reshape(mean(reshape(own, [views, images, width]), [0]), [images, width]);
  });
  return means.length === 1 ? means[0]! : concat(means, 0);
}

/** Features of rows by source, [rows, f]: the cells', and the pooled ones of taps. */
export function trunkSources(
  configuration: ModelConfiguration,
  network: TrunkNetworkKind,
  rows: Tensor,
  weights: Weights,
  normalizer: Normalizer,
): Source[] {
  const { taps } = configuration.trunk!;
  return sourcesOf(configuration, network).map((name) => ({
    name,
    features:
      name === cellsSource
        ? cellFeatures(configuration, network, rows, weights, normalizer)
        : pooled(tapPlanes(rows, taps, name)),
  }));
}

/** By a normal cell and a reduction cell on the taps of their slots, and the mean over the last planes: [rows, f]. */
export function cellFeatures(
  configuration: ModelConfiguration,
  network: TrunkNetworkKind,
  rows: Tensor,
  weights: Weights,
  normalizer: Normalizer,
): Tensor {
  const { nodes } = configuration.supernet;
  const images = rows.shape[0]!;
  const side = cellSides(configuration).normal;
  const [fine, other, coarse] = tapSlots(configuration).map((slot) =>
    slotInput(configuration, network, slot, rows, weights, normalizer),
  ) as [Tensor, Tensor, Tensor];
  const cell = (name: CellContext['cell'], inputs: readonly [Tensor, Tensor]): Tensor => {
    const context: CellContext = {
      cell: name,
      nodes,
      images,
      weights,
      normalizer,
      stride: (source) => strideOf(name, source, true),
    };
    return network.kind === 'supernet'
      ? supernetCell(context, inputs, side)
      : childCell(context, inputs, side, network.genotype[name]);
  };
  const normal = cell('normal', [fine, other]);
  const joint = 'reduction.preprocess.1';
  const last = relu(cell('reduction', [coarse, normalizer.project(weights(joint), relu(normal), joint)]));
  const [count, columns] = last.shape as [number, number];
  return transpose(
    reshape(mean(reshape(last, [count, images, columns / images]), [2]), [count, images]),
    [1, 0],
  );
}

/** The projected tap that a cell's input reads: of the supernet the mixture of all that it could read. */
function slotInput(
  configuration: ModelConfiguration,
  network: TrunkNetworkKind,
  slot: TapSlot,
  rows: Tensor,
  weights: Weights,
  normalizer: Normalizer,
): Tensor {
  const { taps } = configuration.trunk!;
  const projected = (name: string): Tensor => {
    const weight = `${slot.cell}.preprocess.${slot.input}.${name}`;
    const planes = channelMajor(averagedTo(tapPlanes(rows, taps, name), slot.side));
    return normalizer.project(weights(weight), planes, weight);
  };
  if (network.kind === 'child') return projected(network.genotype.taps!.slots[slot.name]);
  const mix = weights(tapMixName(slot.name)); // [1, taps]
  return slot.taps
    .map(({ name }, i) => {
      const input = projected(name);
      return multiply(input, broadcast(slice(mix, 1, i, 1), input.shape));
    })
    .reduce((total, part) => add(total, part));
}
