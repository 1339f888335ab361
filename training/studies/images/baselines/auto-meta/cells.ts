import type { Genotype, GenotypeEdge } from '../../../../../model/search-space/genotype.ts';
import { operationNames } from '../../../../../model/search-space/genotype.ts';

/** The two incoming edges of an inner node, by different inputs, the smaller one first. */
export type CellNode = readonly [GenotypeEdge, GenotypeEdge];
/** The inner nodes of a cell, which is the normal and the reduction cell alike. */
export type SharedCell = readonly CellNode[];

const operations = operationNames.filter((name) => name !== 'none');

/** Everything that the next inner node of a cell with `nodes` of them can be. */
export function nextNodes(nodes: number): CellNode[] {
  const inputs = Array.from({ length: nodes + 2 }, (_, input) => input);
  const edges = (input: number): GenotypeEdge[] => operations.map((operation) => ({ operation, input }));
  return inputs.flatMap((first) =>
    inputs
      .filter((second) => second > first)
      .flatMap((second) => edges(first).flatMap((a) => edges(second).map((b): CellNode => [a, b]))),
  );
}

/** The cells that a cell becomes by one more node. */
export const expansionsOf = (cell: SharedCell): SharedCell[] =>
  nextNodes(cell.length).map((node) => [...cell, node]);

export const genotypeOf = (cell: SharedCell): Genotype => ({
  normal: { nodes: cell },
  reduction: { nodes: cell },
});

/** Where an edge comes from: either input of the cell, or an inner node of it. */
const sources = 3;

/**
 * What a predictor sees of a cell of any size: 1, the number of its nodes, and how many of its edges have each
 * operation from each source, as shares of all.
 */
export function featuresOf(cell: SharedCell): number[] {
  const counts = new Array<number>(sources * operations.length).fill(0);
  for (const { operation, input } of cell.flat())
    counts[Math.min(input, sources - 1) * operations.length + operations.indexOf(operation)]!++;
  return [1, cell.length, ...counts.map((count) => count / (2 * cell.length))];
}
