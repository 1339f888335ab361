import { cellNames, sourcesOf } from './genotype.ts';
import type { CellName, SlotName } from './genotype.ts';

/** Name of the input that carries the architecture weights of the edges out of `source`: [edges, 7]. */
export const mixName = (cell: CellName, source: number): string => `mix.${cell}.${source}`;

/** Names of the architecture inputs of the supernet. */
export const mixNames = (nodes: number): string[] =>
  cellNames.flatMap((cell) => sourcesOf(nodes).map((source) => mixName(cell, source)));

/** Name of the input that carries the weights of the taps that a slot could read: [1, taps]. */
export const tapMixName = (slot: SlotName): string => `mix.tap.${slot}`;
