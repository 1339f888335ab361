import { autoEncoderSpecifications } from './embedding/auto-encoder.ts';
import { calibrationSpecification } from './adaptation/calibration.ts';
import { firstSide } from './configuration.ts';
import type { ModelConfiguration } from './configuration.ts';
import { conv4FeatureCount, conv4Specifications } from './network/conv4.ts';
import { cellNames, edgeCount, operationNames, sourcesOf, targetsOf } from './search-space/genotype.ts';
import type { CellName } from './search-space/genotype.ts';
import { sizeOf, windowOutput } from './graph/shapes.ts';
import type { Shape } from './graph/shapes.ts';
import { rateVariables } from './inner-loop/rates.ts';
import { mirroringSpecification } from './adaptation/mirror-images.ts';
import type { Key } from './random.ts';
import { conditionSpecifications } from './controller/conditions.ts';
import { besideWeights, projectionsOf, statisticSpecifications } from './network/trunk-weights.ts';
import { cellSides, pooledWidth, slotOutputs } from './search-space/taps.ts';
import { denseSpecifications, drawParameters } from './layers/parameter-specification.ts';
import type { ParameterSpecification } from './layers/parameter-specification.ts';

/** Kernels of the supernet's depthwise convolutions, in the order of their pointwise partners. */
export const depthwiseKinds = [
  { name: 'sep3', kernel: 3, dilation: 1 },
  { name: 'sep5', kernel: 5, dilation: 1 },
  { name: 'dil3', kernel: 3, dilation: 2 },
  { name: 'dil5', kernel: 5, dilation: 2 },
] as const;

/** Channels and input widths of both cells. */
export function cellGeometry(configuration: ModelConfiguration): Readonly<
  Record<
    CellName,
    {
      channels: number;
      inputs: readonly [number, number];
      side: number;
      outputSide: number;
    }
  >
> {
  const { image, supernet, trunk } = configuration;
  const { channels, nodes, stem } = supernet;
  const side = trunk ? cellSides(configuration).normal : Math.floor(firstSide(image) / 2 / 2);
  const reduced = windowOutput(side, 3, 2, 1);
  return {
    normal: { channels, inputs: [stem[1], stem[1]], side, outputSide: side },
    reduction: {
      channels: 2 * channels,
      inputs: [stem[1], channels * nodes],
      side,
      outputSide: reduced,
    },
  };
}

/** Length of the cells' features, the reduction cell's nodes concatenated; of a conv4 of what its head reads. */
export const featureCount = ({ network, supernet, image }: ModelConfiguration): number =>
  network.kind === 'conv4'
    ? conv4FeatureCount(network.filters, firstSide(image))
    : 2 * supernet.channels * supernet.nodes;

/**
 * Edges out of a reduction cell's input halve the resolution; all others keep it. On a trunk the first input is a tap of
 * half the resolution already.
 */
export const strideOf = (cell: CellName, source: number, onTrunk = false): 1 | 2 =>
  cell === 'reduction' && source < 2 && !(onTrunk && source === 0) ? 2 : 1;

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

/** Channels of the encoder's three strided convolutions. */
export const encoderChannels = [3, 16, 32, 32] as const;

/** The image encoder's tensors: convolutions, F(x, y), and the auto-encoder. */
export function encoderSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  const { image, encoder, trunk } = configuration;
  const convolutions = encoderChannels.slice(1).map((channels, i): ParameterSpecification => {
    const fanIn = 9 * encoderChannels[i]!;
    return {
      name: `encoder.conv.${i}`,
      shape: [channels, encoderChannels[i]!, 3, 3],
      group: 'encoder',
      deviation: (2 / fanIn) ** 0.5,
      mean: 0,
    };
  });
  const side = [0, 1, 2].reduce((size) => windowOutput(size, 3, 2, 1), firstSide(image));
  const { features } = encoder;
  const inputs = trunk ? pooledWidth(trunk.taps) : encoderChannels[3] * side * side;
  return [
    ...(trunk ? [] : convolutions),
    ...denseSpecifications('encoder', 'encoder.image', inputs, features),
    ...denseSpecifications('encoder', 'encoder.pair', 2 * features, features),
    ...autoEncoderSpecifications(encoder),
  ];
}

function controllerSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  const { supernet, encoder, controller } = configuration;
  const outputs =
    cellNames.length * edgeCount(supernet.nodes) * operationNames.length + slotOutputs(configuration);
  if (controller.kind === 'shared')
    return [{ name: 'controller.alpha', shape: [1, outputs], group: 'controller', deviation: 1e-3, mean: 0 }];
  return [
    ...denseSpecifications('controller', 'controller.hidden', encoder.state, controller.hidden),
    ...denseSpecifications('controller', 'controller.alpha', controller.hidden, outputs, 0.1),
  ];
}

/** Number of modulation factors τ (Eq. 7). */
export function modulationCount(configuration: ModelConfiguration): number {
  const { kind } = configuration.modulator;
  if (kind === 'none' || configuration.network.kind === 'conv4') return 0;
  return weightSpecifications(configuration).reduce(
    (n, w) => n + sizeOf(kind === 'full' ? w.shape : w.modulation!),
    0,
  );
}

/** What makes the network of a task: encoder, controller and modulator. */
function taskSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  const factors = modulationCount(configuration);
  return [
    ...encoderSpecifications(configuration),
    ...controllerSpecifications(configuration),
    ...(factors > 0
      ? denseSpecifications('modulator', 'modulator', configuration.encoder.state, factors, 0)
      : []),
    ...conditionSpecifications(configuration),
    ...(configuration.mirroring ? [mirroringSpecification(configuration)] : []),
  ];
}

/** Every tensor of a checkpoint, in a fixed order. */
export function parameterSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  return [
    ...(configuration.network.kind === 'conv4' ? [] : taskSpecifications(configuration)),
    ...weightSpecifications(configuration),
    ...(configuration.head.kind === 'prototype'
      ? [{ name: 'head.scale', shape: [1, 1], group: 'head' as const, deviation: 0, mean: 0.1 }]
      : []),
    ...(configuration.trunk ? [] : rateVariables(configuration, rateColumns(configuration))).map((rates) => ({
      ...rates,
      group: 'head' as const,
      deviation: 0,
      mean: 0,
    })),
    ...statisticSpecifications(configuration),
    calibrationSpecification,
  ];
}

/** The tensors that have inner rates of their own, in the order of the rates. */
export const rateColumns = (configuration: ModelConfiguration): string[] => [
  ...weightSpecifications(configuration).flatMap(({ name }) => (name === 'head.vector' ? [] : name)),
  ...(configuration.head.kind === 'ridge' ? ['shares'] : ['head.weight', 'head.bias']),
];

/** Random initial parameters (Algorithm 1, line 1). */
export const initialParameters = (
  configuration: ModelConfiguration,
  key: Key,
): Record<string, Float32Array> => drawParameters(parameterSpecifications(configuration), key);
