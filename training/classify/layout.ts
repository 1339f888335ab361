import type { ModelConfiguration } from '../../model/configuration.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import {
  childStatistics,
  centerName,
  statisticNames,
  statisticSpecifications,
} from '../../model/network/trunk-statistics.ts';
import { weightSpecifications } from '../../model/network/weights.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { sourceNames } from '../../model/search-space/taps.ts';
import { ParameterLayout } from '../run/parameter-vector.ts';
import { classifiedWeights, classifierSpecifications } from './classify-graph.ts';
import type { ClassifyShape } from './classify-graph.ts';
import { stemParts, stemSpecifications } from './stem.ts';

/** All that the stage trains as one vector: the one-shot model's weights and statistics, then its own classifier. */
export const classifyLayout = (
  configuration: ModelConfiguration,
  shape: Pick<ClassifyShape, 'classes' | 'teacher' | 'stem'>,
): ParameterLayout =>
  new ParameterLayout([
    ...weightSpecifications(configuration),
    ...statisticSpecifications(configuration),
    ...(shape.stem ? stemSpecifications(shape.stem) : []),
    ...classifierSpecifications(configuration, shape),
  ]);

/** A part of the vector that a step with one child changes, under the name that its graph has for it. */
export interface Segment {
  readonly name: string;
  readonly start: number;
  readonly size: number;
  /** Averaged over steps instead of being descended. */
  readonly statistic: boolean;
  /** Shrunk by weight decay. */
  readonly decays: boolean;
}

/** What a step with the child of a genotype changes, in a fixed order. */
export function segmentsOf(
  configuration: ModelConfiguration,
  genotype: Genotype,
  layout: ParameterLayout,
): Segment[] {
  const starts = new Map(layout.entries.map(({ name, start }) => [name, start]));
  const part = (name: string, from: string, offset: number, size: number, statistic: boolean): Segment => ({
    name,
    start: starts.get(from)! + offset,
    size,
    statistic,
    decays: !statistic && name !== 'classifier.scale',
  });
  const parts = classifiedWeights(configuration, genotype).map(({ name, from, offset, shape }) =>
    part(name, from, offset, sizeOf(shape), false),
  );
  const statistics = childStatistics(configuration, genotype).map(({ name, from, offset, shape }) =>
    part(name, from, offset, sizeOf(shape), true),
  );
  const whole = (name: string, statistic: boolean): Segment => {
    const { size } = layout.entries.find((entry) => entry.name === name)!;
    return part(name, name, 0, size, statistic);
  };
  const centers = sourceNames(configuration).map((name) => whole(centerName(name), true));
  const known = new Set(layout.entries.map(({ name }) => name));
  const own = [
    ...stemParts,
    'classifier.weight',
    'classifier.scale',
    'teacher.weight',
    'teacher.bias',
  ].filter((name) => known.has(name));
  const seen = stemParts
    .flatMap((part) => Object.values(statisticNames(part)))
    .filter((name) => known.has(name))
    .map((name) => whole(name, true));
  return [...parts, ...statistics, ...centers, ...seen, ...own.map((name) => whole(name, false))];
}
