import type { ModelConfiguration } from '../configuration.ts';
import { cellsSource, sourcesOf, targetsOf, cellNames } from '../search-space/genotype.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { conv4FeatureCount, conv4Specifications } from './conv4.ts';
import { firstSide } from '../configuration.ts';
import type { Shape } from '../graph/shapes.ts';
import type { CellName } from '../search-space/genotype.ts';
import { cellGeometry, depthwiseKinds, strideOf } from '../search-space/geometry.ts';
import { projectionsOf } from '../search-space/taps.ts';

/** The sources of features on a trunk and the length of each's. */
export const sourceWidths = (
  configuration: ModelConfiguration,
): { readonly name: string; readonly width: number }[] => [
  { name: cellsSource, width: featureCount(configuration) },
  ...(configuration.trunk?.taps ?? []).map(({ name, channels }) => ({ name, width: channels })),
];

/** The scales of every source's features, by channel: adapted and modulated as all weights are. */
export const besideWeights = (configuration: ModelConfiguration): ParameterSpecification[] =>
  sourceWidths(configuration).map(({ name, width }) => ({
    name: `beside.${name}`,
    shape: [1, width],
    group: 'weights',
    deviation: 0,
    mean: 1,
    modulation: [1, width],
  }));

/** Length of the cells' features, the reduction cell's nodes concatenated; of a conv4 of what its head reads. */
export const featureCount = ({ network, supernet, image }: ModelConfiguration): number =>
  network.kind === 'conv4'
    ? conv4FeatureCount(network.filters, firstSide(image))
    : 2 * supernet.channels * supernet.nodes;

function weight(name: string, shape: Shape, fanIn: number, modulation: Shape): ParameterSpecification {
  return { name, shape, group: 'weights', deviation: fanIn ** -0.5, mean: 0, modulation };
}

function cellWeights(cell: CellName, configuration: ModelConfiguration): ParameterSpecification[] {
  const { nodes } = configuration.supernet;
  const onTrunk = configuration.trunk !== undefined;
  const { channels: c, inputs } = cellGeometry(configuration)[cell];
  const edges = sourcesOf(nodes).flatMap((source) => {
    const e = targetsOf(source, nodes).length;
    const at = (part: string): string => `${cell}.${source}.${part}`;
    const depthwise = (
      part: 'first' | 'second',
      kinds: readonly (typeof depthwiseKinds)[number][],
    ): ParameterSpecification[] =>
      kinds.map(({ name, kernel }) =>
        weight(at(`${name}.${part}`), [e, c, kernel ** 2], kernel ** 2, [e, c, 1]),
      );
    return [
      ...depthwise('first', depthwiseKinds),
      weight(at('pointwise.first'), [4, e, c, c], c, [4, e, 1, c]),
      ...depthwise('second', depthwiseKinds.slice(0, 2)),
      weight(at('pointwise.second'), [2, e, c, c], c, [2, e, 1, c]),
      ...(strideOf(cell, source, onTrunk) === 2 ? [weight(at('skip'), [e, c, c], c, [e, 1, c])] : []),
    ];
  });
  const preprocess = inputs.flatMap((width, i) =>
    projectionsOf(configuration, cell, i, width).map(({ name, width: own }) =>
      weight(name, [c, own], own, [1, own]),
    ),
  );
  return [...preprocess, ...edges];
}

/** The meta-weights w̃ of the one-shot model, or of a conv4, in a fixed order. */
export function weightSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  const { network, supernet, head } = configuration;
  const [first, second] = supernet.stem;
  const count = featureCount(configuration);
  const body =
    network.kind === 'conv4'
      ? conv4Specifications(network.filters)
      : [
          ...(configuration.trunk
            ? besideWeights(configuration)
            : [
                weight('stem.0', [first, 3 * 9], 27, [1, 27]),
                weight('stem.1', [second, first, 3, 3], 9 * first, [1, first, 1, 1]),
              ]),
          ...cellNames.flatMap((cell) => cellWeights(cell, configuration)),
        ];
  return [...body, ...(head.kind === 'shared' ? [weight('head.vector', [1, count], count, [1, count])] : [])];
}

/** The tensors that have inner rates of their own, in the order of the rates. */
export const rateColumns = (configuration: ModelConfiguration): string[] => [
  ...weightSpecifications(configuration).flatMap(({ name }) => (name === 'head.vector' ? [] : name)),
  ...(configuration.head.kind === 'ridge' ? ['shares'] : ['head.weight', 'head.bias']),
];
