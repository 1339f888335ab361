import { cellNames, sourcesOf } from './genotype.ts';
import type { CellName } from './genotype.ts';

/** Name of the input that carries the architecture weights of the edges out of `source`: [edges, 7]. */
export const mixName = (cell: CellName, source: number): string => `mix.${cell}.${source}`;

/** Names of the architecture inputs of the supernet. */
export const mixNames = (nodes: number): string[] =>
  cellNames.flatMap((cell) => sourcesOf(nodes).map((source) => mixName(cell, source)));
