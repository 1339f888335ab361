import type { ModelConfiguration } from '../configuration.ts';
import type { Shape } from '../graph/shapes.ts';
import { sizeOf } from '../graph/shapes.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { cellNames, edgeIndex, sourcesOf, targetsOf } from '../search-space/genotype.ts';
import type { CellName, Genotype, GenotypeEdge } from '../search-space/genotype.ts';
import { tapSlots, projectionsOf } from '../search-space/taps.ts';
import { convolutionOf, edgeName, isConvolution } from './child.ts';
import type { ChildWeight } from './child.ts';
import { cellGeometry, strideOf } from '../search-space/geometry.ts';
import { sourceWidths } from './weights.ts';

/** Every normalisation of the one-shot model on a trunk, with the shape of its statistics. */
export function normalizations(configuration: ModelConfiguration): { name: string; shape: Shape }[] {
  const { nodes } = configuration.supernet;
  const geometry = cellGeometry(configuration);
  return cellNames.flatMap((cell) => {
    const { channels: c, inputs } = geometry[cell];
    const projections = inputs.flatMap((width, i) => projectionsOf(configuration, cell, i, width));
    const edges = sourcesOf(nodes).flatMap((source) => {
      const e = targetsOf(source, nodes).length;
      const at = (part: string, shape: Shape) => ({ name: `${cell}.${source}.${part}`, shape });
      const convolved = ['first', 'second', 'dilated'].map((part) => at(part, [e, 2, c, 1]));
      const skip = strideOf(cell, source, true) === 2 ? [at('skip', [e * c, 1])] : [];
      return [at('max', [c, 1]), at('average', [c, 1]), ...convolved, ...skip];
    });
    return [...projections.map(({ name }) => ({ name, shape: [c, 1] })), ...edges];
  });
}

/** The parameters that hold a normalisation's learned mean and mean square. */
export const statisticNames = (name: string): { readonly mean: string; readonly square: string } => ({
  mean: `statistics.mean.${name}`,
  square: `statistics.square.${name}`,
});

/** The parameter that holds the learned mean of a source's features. */
export const centerName = (source: string): string => `statistics.center.${source}`;

/** What training learns of the statistics of a network on a trunk, by running averages; nothing without a trunk. */
export function statisticSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  if (!configuration.trunk) return [];
  const statistic = (name: string, shape: Shape, mean: number): ParameterSpecification => ({
    name,
    shape,
    group: 'statistics',
    deviation: 0,
    mean,
  });
  return [
    ...normalizations(configuration).flatMap(({ name, shape }) => {
      const { mean, square } = statisticNames(name);
      return [statistic(mean, shape, 0), statistic(square, shape, 1)];
    }),
    ...sourceWidths(configuration).map(({ name, width }) => statistic(centerName(name), [1, width], 0)),
  ];
}

/** Where a child's statistics lie in the one-shot model's, as its weights do. */
export function childStatistics(configuration: ModelConfiguration, genotype: Genotype): ChildWeight[] {
  const geometry = cellGeometry(configuration);
  const { nodes } = configuration.supernet;
  const both = (name: string, from: string, shape: Shape, offset: number): ChildWeight[] =>
    (['mean', 'square'] as const).map((kind) => ({
      name: statisticNames(name)[kind],
      shape,
      from: statisticNames(from)[kind],
      offset,
    }));
  const edge = (cell: CellName, target: number, { input, operation }: GenotypeEdge): ChildWeight[] => {
    const c = geometry[cell].channels;
    const e = edgeIndex(input, target, nodes) - edgeIndex(input, targetsOf(input, nodes)[0]!, nodes);
    const [name, from, shape] = [edgeName(cell, input, target), `${cell}.${input}`, [c, 1]];
    if (operation === 'max_pool_3x3') return both(name, `${from}.max`, shape, 0);
    if (operation === 'avg_pool_3x3') return both(name, `${from}.average`, shape, 0);
    if (!isConvolution(operation))
      return strideOf(cell, input, true) === 2 ? both(name, `${from}.skip`, shape, e * c) : [];
    const { position, twice } = convolutionOf(operation);
    const at = (2 * e + (position % 2)) * sizeOf(shape);
    return twice
      ? [
          ...both(`${name}.first`, `${from}.first`, shape, at),
          ...both(`${name}.second`, `${from}.second`, shape, at),
        ]
      : both(`${name}.first`, `${from}.dilated`, shape, at);
  };
  const projections = [
    ...tapSlots(configuration).map(({ cell, input, name }) => ({
      cell,
      name: `${cell}.preprocess.${input}.${genotype.taps!.slots[name]}`,
    })),
    { cell: 'reduction' as const, name: 'reduction.preprocess.1' },
  ];
  return [
    ...projections.flatMap(({ cell, name }) => both(name, name, [geometry[cell].channels, 1], 0)),
    ...cellNames.flatMap((cell) =>
      genotype[cell].nodes.flatMap((incoming, target) => incoming.flatMap((own) => edge(cell, target, own))),
    ),
  ];
}
