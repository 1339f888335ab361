import type { ModelConfiguration } from '../configuration.ts';
import type { GraphFunction } from '../graph/graph.ts';
import { sizeOf } from '../graph/shapes.ts';
import type { Variable } from '../graph/variables.ts';
import { solvedNetwork } from '../inner-loop/solved-network.ts';
import { TaskGraphs } from '../inner-loop/step-graphs.ts';
import { fittedFunction } from '../inner-loop/unrolled-graphs.ts';
import { fold, keyFrom, uniform } from '../random.ts';
import { genotypeKey } from '../search-space/genotype.ts';
import type { Genotype } from '../search-space/genotype.ts';
import type { TaskSize } from '../task/labelled-set.ts';
import { isStatistic } from './child-cells.ts';
import type { AdaptedChild } from './child-cells.ts';
import { isKernel } from './solved-answer.ts';

/** How many numbers each tensor of a genotype's child has, its head left out. */
interface ChildSizes {
  readonly weights: ReadonlyMap<string, number>;
  readonly statistics: ReadonlyMap<string, number>;
  /** what the head reads of an image */
  readonly features: number;
}

/** Any task whose classes have two images: no size but the head's depends on it. */
const someTask: TaskSize = { way: 2, support: 4 };

const known = new WeakMap<ModelConfiguration, Map<string, ChildSizes>>();

/** The sizes of a genotype's child, counted once on the graphs that adapt it. */
function sizesOf(configuration: ModelConfiguration, genotype: Genotype): ChildSizes {
  const own = known.get(configuration) ?? new Map<string, ChildSizes>();
  known.set(configuration, own);
  const key = genotypeKey(genotype);
  const there = own.get(key);
  if (there) return there;
  const { adapted, outputs } = formOf(configuration, genotype);
  const sizes = {
    weights: new Map(
      adapted
        .filter(({ name }) => !name.startsWith('head.'))
        .map(({ name, shape }) => [name, sizeOf(shape)] as const),
    ),
    statistics: new Map(
      Object.entries(outputs)
        .filter(([name]) => isStatistic(name))
        .map(([name, { shape }]) => [name, sizeOf(shape)] as const),
    ),
    features: outputs['features']!.shape[1]!,
  };
  own.set(key, sizes);
  return sizes;
}

/** What is adapted of a genotype's child, and what a last pass over the support set gives. */
function formOf(
  configuration: ModelConfiguration,
  genotype: Genotype,
): Pick<GraphFunction, 'outputs'> & { readonly adapted: readonly Variable[] } {
  if (configuration.trunk) {
    const { graphs } = solvedNetwork(configuration, genotype);
    return { adapted: graphs.adapted, outputs: graphs.fitted(someTask).outputs };
  }
  const graphs = new TaskGraphs(configuration, { kind: 'child', genotype });
  return { adapted: graphs.adapted(someTask.way), outputs: fittedFunction(graphs, someTask).outputs };
}

/** The largest whole number up to which float16 has all. */
const wholeFloat16 = 2048;

/**
 * A child of a genotype for tasks of `way` classes, whose numbers are made up: for what only depends on its form, such as
 * its cost. No two tensors have the same content, since equal small ones are stored once; kernels are float16 numbers, as
 * those of an adapted child are.
 */
export function noiseChild(
  configuration: ModelConfiguration,
  genotype: Genotype,
  { way, mirrored }: { readonly way: number; readonly mirrored: boolean },
): AdaptedChild {
  const { weights, statistics, features } = sizesOf(configuration, genotype);
  const noise = (name: string, length: number): Float32Array =>
    Float32Array.from(uniform(fold(keyFrom(0), name), length));
  const kernel = (number: number, length: number): Float32Array =>
    new Float32Array(length).fill(1 + (number % wholeFloat16));
  const body = [...weights].map(([name, length], number) => [
    name,
    isKernel(name) ? kernel(number, length) : noise(name, length),
  ]);
  const head = {
    'head.weight': noise('head.weight', way * features),
    'head.bias': noise('head.bias', way),
  };
  const openSet = {
    means: noise('means', way * features),
    midpoint: 0.7,
    slope: 1.3,
    threshold: 0.2,
    leftOut: 0,
  };
  return {
    genotype,
    mirrored,
    weights: { ...(Object.fromEntries(body) as Record<string, Float32Array>), ...head },
    statistics: Object.fromEntries([...statistics].map(([name, length]) => [name, noise(name, length)])),
    openSet,
  };
}
