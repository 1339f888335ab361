import type { ModelConfiguration } from '../configuration.ts';
import { cellsSource, sourcesOf, targetsOf, cellNames } from '../search-space/genotype.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { conv4FeatureCount, conv4Specifications } from './conv4.ts';
import { firstSide } from '../configuration.ts';
import type { Shape } from '../graph/shapes.ts';
import type { CellName, TapChoice } from '../search-space/genotype.ts';
import { cellGeometry, depthwiseKinds, strideOf } from '../search-space/geometry.ts';
import { projectionsOf } from '../search-space/taps.ts';

/** The sources of features on a trunk and the length of each's. */
export const sourceWidths = (
  configuration: ModelConfiguration,
): { readonly name: string; readonly width: number }[] => [
  { name: cellsSource, width: featureCount(configuration) },
  ...(configuration.trunk?.taps ?? []).map(({ name, channels }) => ({ name, width: channels })),
];

/** The scales of the features of every source, or of those that the taps of a child read, by channel. */
const besideWeights = (configuration: ModelConfiguration, taps?: TapChoice): ParameterSpecification[] =>
  sourceWidths(configuration)
    .filter(({ name }) => !taps || name === cellsSource || taps.beside.includes(name))
    .map(({ name, width }) => ({
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

/** The projections of a cell's inputs; of a child those of the taps that it reads. */
export function projectionWeights(
  cell: CellName,
  configuration: ModelConfiguration,
  taps?: TapChoice,
): ParameterSpecification[] {
  const { channels: c, inputs } = cellGeometry(configuration)[cell];
  return inputs.flatMap((width, i) =>
    projectionsOf(configuration, cell, i, width)
      .filter(({ choice }) => !taps || !choice || taps.slots[choice.slot] === choice.tap)
      .map(({ name, width: own }) => weight(name, [c, own], own, [1, own])),
  );
}

/** What stands before the cells or beside them: the stem or, on a trunk, the scales of the sources. */
export function outerWeights(configuration: ModelConfiguration, taps?: TapChoice): ParameterSpecification[] {
  if (configuration.trunk) return besideWeights(configuration, taps);
  const [first, second] = configuration.supernet.stem;
  return [
    weight('stem.0', [first, 3 * 9], 27, [1, 27]),
    weight('stem.1', [second, first, 3, 3], 9 * first, [1, first, 1, 1]),
  ];
}

/** The edges of a cell: every candidate operation of every edge. */
function edgeWeights(cell: CellName, configuration: ModelConfiguration): ParameterSpecification[] {
  const { nodes } = configuration.supernet;
  const onTrunk = configuration.trunk !== undefined;
  const { channels: c } = cellGeometry(configuration)[cell];
  return sourcesOf(nodes).flatMap((source) => {
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
}

/** What the inner loop adapts of a network, in a fixed order: the weights of the one-shot model, or of a conv4. */
export const bodySpecifications = (configuration: ModelConfiguration): ParameterSpecification[] =>
  configuration.network.kind === 'conv4'
    ? conv4Specifications(configuration.network.filters)
    : [
        ...outerWeights(configuration),
        ...cellNames.flatMap((cell) => [
          ...projectionWeights(cell, configuration),
          ...edgeWeights(cell, configuration),
        ]),
      ];

/** The meta-weights that a head is made of: the vector of a `shared` one, the outputs of a `linear` one; others have none. */
export function headSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  const { kind, outputs = 0 } = configuration.head;
  const count = featureCount(configuration);
  if (kind === 'shared') return [weight('head.vector', [1, count], count, [1, count])];
  if (kind !== 'linear') return [];
  return [
    weight('head.outputs', [outputs, count], count, [1, count]),
    {
      name: 'head.offsets',
      shape: [1, outputs],
      group: 'weights',
      deviation: 0,
      mean: 0,
      modulation: [1, 1],
    },
  ];
}

/** The meta-weights w̃, in a fixed order: the body, and what the head is made of. */
export const weightSpecifications = (configuration: ModelConfiguration): ParameterSpecification[] => [
  ...bodySpecifications(configuration),
  ...headSpecifications(configuration),
];

/** The tensors that have inner rates of their own, in the order of the rates. */
export const rateColumns = (configuration: ModelConfiguration): string[] => [
  ...bodySpecifications(configuration).map(({ name }) => name),
  ...(configuration.head.kind === 'ridge' ? ['shares'] : ['head.weight', 'head.bias']),
];
