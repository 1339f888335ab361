import { cellNames, sourcesOf } from './genotype.ts';
import type { CellName } from './genotype.ts';
import type { Tensor } from './graph/primitives.ts';
import type { Normalizer } from './normalizer.ts';

/** Gives the tensor of a named weight. */
export type Weights = (name: string) => Tensor;

/** What a cell needs of its surroundings. */
export interface CellContext {
  readonly cell: CellName;
  readonly nodes: number;
  readonly images: number;
  readonly weights: Weights;
  readonly normalizer: Normalizer;
}

/** Name of the input that carries the architecture weights of the edges out of `source`: [edges, 7]. */
export const mixName = (cell: CellName, source: number): string => `mix.${cell}.${source}`;

/** Names of the architecture inputs of the supernet. */
export const mixNames = (nodes: number): string[] =>
  cellNames.flatMap((cell) => sourcesOf(nodes).map((source) => mixName(cell, source)));
