import { choice, fold } from '../../../../../model/random.ts';
import type { Key } from '../../../../../model/random.ts';
import { genotypeKey } from '../../../../../model/search-space/genotype.ts';
import { expansionsOf, genotypeOf } from './cells.ts';
import type { SharedCell } from './cells.ts';
import { predictorOf } from './predictor.ts';
import type { MeasuredCell } from './predictor.ts';

export interface ProgressiveSearch {
  readonly key: Key;
  /** Inner nodes of the found cell. */
  readonly nodes: number;
  /** How many cells of one node are measured, drawn at random. */
  readonly first: number;
  /** How many cells of each further size are. */
  readonly beam: number;
  /** Whether a whole cell may be found. */
  readonly allowed: (cell: SharedCell) => boolean;
  /** Trains and validates a cell: its accuracy, 0..1. */
  readonly measure: (cell: SharedCell) => Promise<number>;
}

/**
 * Progressive search of one cell for all tasks (Auto-Meta, Kim et al. 2018, by PNAS, Liu et al. 2018): cells of one node
 * are measured; then, size by size, those of the grown cells that a predictor fitted to all measurements ranks highest.
 * @returns the measured cell of the wanted size with the highest accuracy
 * @throws Error where none is allowed
 */
export async function searchProgressively({
  key,
  nodes,
  first,
  beam,
  allowed,
  measure,
}: ProgressiveSearch): Promise<SharedCell> {
  const measured: MeasuredCell[] = [];
  const measureAll = async (cells: readonly SharedCell[]): Promise<MeasuredCell[]> => {
    const own: MeasuredCell[] = [];
    for (const cell of cells) own.push({ cell, accuracy: await measure(cell) });
    measured.push(...own);
    return own;
  };
  const small = expansionsOf([]);
  const drawn = choice(fold(key, 'first'), small.length, Math.min(first, small.length));
  const permitted = (cell: SharedCell): boolean => cell.length < nodes || allowed(cell);
  let level = await measureAll(drawn.map((at) => small[at]!).filter(permitted));
  for (let size = 2; size <= nodes; size++) {
    const predict = predictorOf(measured);
    const parents = best(level, beam, ({ accuracy }) => accuracy, keyOf);
    const grown = parents.flatMap(({ cell }) => expansionsOf(cell)).filter(permitted);
    level = await measureAll(best(grown, beam, predict, (cell) => genotypeKey(genotypeOf(cell))));
  }
  const [found] = best(level, 1, ({ accuracy }) => accuracy, keyOf);
  if (!found) throw new Error('no cell has few enough weights');
  return found.cell;
}

const keyOf = ({ cell }: MeasuredCell): string => genotypeKey(genotypeOf(cell));

/** The `count` items of the highest score; of equal ones those of the smaller name. */
function best<T>(
  items: readonly T[],
  count: number,
  score: (item: T) => number,
  name: (item: T) => string,
): T[] {
  const scored = items.map((item) => ({ item, score: score(item), name: name(item) }));
  return scored
    .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ item }) => item);
}
