import type { ModelConfiguration } from '../configuration.ts';
import type { GraphFunction } from '../graph/graph.ts';
import {
  add,
  averagePool,
  broadcast,
  concat,
  divide,
  mean,
  multiply,
  relu,
  reshape,
  softmax,
  sqrt,
  subtract,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { besideName, leastLength, sourcesOf } from '../network/trunk-network.ts';
import { cellsSource } from '../search-space/genotype.ts';
import { cellGeometry } from '../search-space/geometry.ts';
import { averagedTo } from '../search-space/tap-planes.ts';
import { sourceNames, tapSlots, tapsRead } from '../search-space/taps.ts';
import type { Tap } from '../search-space/taps.ts';
import { ChildCells } from './child-cells.ts';
import type { AdaptedChild } from './child-cells.ts';
import { knownProbability } from './open-set.ts';

/** The inputs that planes come by: of an image, and of its mirror image where the child is mirrored. */
export const planesInputs = { image: 'planes.', mirror: 'mirror-planes.' } as const;
type Branch = keyof typeof planesInputs;

/** The branches of a child: its head reads the mean of their features. */
const branchesOf = ({ mirrored }: AdaptedChild): Branch[] => (mirrored ? ['image', 'mirror'] : ['image']);

/** Which of the child's inputs each tap feeds, by branch. */
export function planesRead(
  configuration: ModelConfiguration,
  child: AdaptedChild,
): { readonly branch: Branch; readonly reads: Readonly<Record<string, string>> }[] {
  const taps = tapsRead(configuration, child.genotype.taps!);
  return branchesOf(child).map((branch) => ({
    branch,
    reads: Object.fromEntries(taps.map(({ name }) => [name, planesInputs[branch] + name])),
  }));
}

/**
 * The child on a trunk as plain image operators on the planes of the taps that it reads, [batch, c, side, side], each an
 * input: the graph of the exported file behind the trunk. Scales of normalisations stand behind the convolutions, so that
 * these keep the weights that the task was adapted to, as float16 numbers.
 * @param sides of the planes that enter, by tap: those of the rows, or a power of two times as much
 */
export function trunkChildFunction(
  configuration: ModelConfiguration,
  child: AdaptedChild,
  way: number,
  sides: Readonly<Record<string, number>>,
  batch = 2,
): GraphFunction {
  const { read, logits } = new TrunkChildBuilder(configuration, child, sides, batch).answer(way);
  const known = knownProbability(read, child.openSet);
  return { name: 'm-nas-child', outputs: { logits, known, probabilities: softmax(logits) } };
}

class TrunkChildBuilder {
  readonly #configuration: ModelConfiguration;
  readonly #child: AdaptedChild;
  readonly #cells: ChildCells;
  readonly #sides: Readonly<Record<string, number>>;
  readonly #batch: number;

  constructor(
    configuration: ModelConfiguration,
    child: AdaptedChild,
    sides: Readonly<Record<string, number>>,
    batch: number,
  ) {
    this.#configuration = configuration;
    this.#child = child;
    this.#cells = new ChildCells(configuration, child, 'behind');
    this.#sides = sides;
    this.#batch = batch;
  }

  /** What the head reads, [batch, f], and the logits [batch, way]. */
  answer(way: number): { readonly read: Tensor; readonly logits: Tensor } {
    const [first, ...others] = branchesOf(this.#child).map((branch) => this.#sources(branch));
    const sources = Object.entries(first!).map(([name, features]) => {
      const all = others.reduce((total, other) => add(total, other[name]!), features);
      return this.#scaled(name, multiply(all, 1 / (1 + others.length)));
    });
    const read = concat(sources, 1);
    return { read, logits: this.#cells.logits(read, way) };
  }

  /** Features of every source, [batch, f], of one branch. */
  #sources(branch: Branch): Record<string, Tensor> {
    const taps = tapsRead(this.#configuration, this.#child.genotype.taps!);
    const planes = new Map(taps.map((tap) => [tap.name, this.#planes(branch, tap)]));
    const sources = sourcesOf(this.#configuration, { kind: 'child', genotype: this.#child.genotype });
    return Object.fromEntries(
      sources.map((name) => {
        const maps = name === cellsSource ? this.#lastPlanes(planes) : planes.get(name)!;
        return [name, reshape(mean(maps, [2, 3]), [this.#batch, maps.shape[1]!])];
      }),
    );
  }

  /** The planes of a tap, averaged down by halves to the side of the rows. */
  #planes(branch: Branch, { name, channels, side }: Tap): Tensor {
    const own = this.#sides[name]!;
    const input = this.#cells.graph.input(planesInputs[branch] + name, [this.#batch, channels, own, own]);
    const halved = (planes: Tensor): Tensor =>
      planes.shape[2]! > side ? halved(averagePool(planes, { kernel: 2, stride: 2, padding: 0 })) : planes;
    return halved(input);
  }

  /** The reduction cell's planes, rectified: `cellFeatures` of network/trunk-network.ts before the mean. */
  #lastPlanes(planes: ReadonlyMap<string, Tensor>): Tensor {
    const geometry = cellGeometry(this.#configuration);
    const { slots } = this.#child.genotype.taps!;
    const projected = (name: string, x: Tensor, channels: number): Tensor =>
      this.#cells.normalizedConv(x, name, name, [channels, x.shape[1]!, 1, 1]);
    const [fine, other, coarse] = tapSlots(this.#configuration).map(({ name, cell, input, side }) => {
      const tap = slots[name];
      const x = averagedTo(planes.get(tap)!, side);
      return projected(`${cell}.preprocess.${input}.${tap}`, x, geometry[cell].channels);
    }) as [Tensor, Tensor, Tensor];
    const normal = relu(this.#cells.cell('normal', [fine, other]));
    const joint = projected('reduction.preprocess.1', normal, geometry.reduction.channels);
    return relu(this.#cells.cell('reduction', [coarse, joint]));
  }

  /** Features of a source as the head reads them: centred, scaled, of unit length, times the root of the source's share. */
  #scaled(name: string, features: Tensor): Tensor {
    const row = (from: string): Tensor =>
      broadcast(
        this.#cells.constant(from, [1, features.shape[1]!], () => this.#cells.value(from)),
        features.shape,
      );
    const scaled = multiply(subtract(features, row(`center.${name}`)), row(besideName(name)));
    const length = sqrt(add(sum(multiply(scaled, scaled), [1]), leastLength));
    return multiply(divide(scaled, broadcast(length, scaled.shape)), Math.sqrt(this.#share(name)));
  }

  /** The share of a source among the child's own: the softmax of `sharesOf` in numbers. */
  #share(name: string): number {
    const all = sourceNames(this.#configuration);
    const logits = this.#cells.value('shares');
    const own = sourcesOf(this.#configuration, { kind: 'child', genotype: this.#child.genotype });
    const power = (source: string): number => Math.exp(logits[all.indexOf(source)]! - Math.max(...logits));
    return power(name) / own.reduce((total, source) => total + power(source), 0);
  }
}
