import type { ModelConfiguration } from '../configuration.ts';
import type { Variable } from '../graph/variables.ts';
import { cellNames, operationNames, sourcesOf, targetsOf } from './genotype.ts';
import type { CellName, SlotName } from './genotype.ts';
import { tapSlots } from './taps.ts';

/** Name of the input that carries the architecture weights of the edges out of `source`: [edges, 7]. */
export const mixName = (cell: CellName, source: number): string => `mix.${cell}.${source}`;

/** Name of the input that carries the weights of the taps that a slot could read: [1, taps]. */
export const tapMixName = (slot: SlotName): string => `mix.tap.${slot}`;

/** The supernet's architecture weights as inputs: of the edges out of every node, and of every slot's taps on a trunk. */
export const mixVariables = (configuration: ModelConfiguration): Variable[] => {
  const { nodes } = configuration.supernet;
  return [
    ...cellNames.flatMap((cell) =>
      sourcesOf(nodes).map((source) => ({
        name: mixName(cell, source),
        shape: [targetsOf(source, nodes).length, operationNames.length - 1],
      })),
    ),
    ...tapSlots(configuration).map(({ name, taps }) => ({ name: tapMixName(name), shape: [1, taps.length] })),
  ];
};
