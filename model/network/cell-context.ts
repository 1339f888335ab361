import type { CellName } from '../search-space/genotype.ts';
import type { Normalizer } from '../layers/normalizer.ts';
import type { Weights } from '../graph/weights.ts';

/** What a cell needs of its surroundings. */
export interface CellContext {
  readonly cell: CellName;
  readonly nodes: number;
  readonly images: number;
  readonly weights: Weights;
  readonly normalizer: Normalizer;
  /** Whether edges out of a node keep the resolution (1) or halve it (2). */
  readonly stride: (source: number) => 1 | 2;
}
