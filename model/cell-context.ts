import type { CellName } from './genotype.ts';
import type { Normalizer } from './normalizer.ts';
import type { Weights } from './weights.ts';

/** What a cell needs of its surroundings. */
export interface CellContext {
  readonly cell: CellName;
  readonly nodes: number;
  readonly images: number;
  readonly weights: Weights;
  readonly normalizer: Normalizer;
}
