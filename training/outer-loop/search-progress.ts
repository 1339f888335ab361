import { cellNames, operationNames, strengthOf } from '../../model/search-space/genotype.ts';
import { drawArchitectures, validationAccuracies } from './held-out.ts';
import type { DrawnArchitecture } from './genotype-choice.ts';
import type { PausedRun } from './held-out.ts';

/** How far a search has decided: means over training tasks of every domain. */
export interface Decided {
  /** α of the operations that decoding chooses, 0 to 1. */
  readonly chosen: number;
  /** Entropy of α over an edge's operations, in parts of its largest, ln 8: 0 to 1. */
  readonly entropy: number;
}

/** What a validation tells of a search besides the relaxed network's accuracies. */
export interface SearchProgress extends Decided {
  /** Accuracies as a validation has them, of the same weights with the decoded architecture alone. */
  readonly decoded: Readonly<Record<string, number>>;
}

/**
 * Of a run within its search, with its parameters as the workers read them.
 * @param alphaTemperature of α's softmax: an annealed search is decoded at the one that it ends at
 */
export async function searchProgress(run: PausedRun, alphaTemperature: number): Promise<SearchProgress> {
  const decoded = await validationAccuracies(run, { stage: 'tune', alphaTemperature });
  const drawn = await drawArchitectures(run, { alphaTemperature });
  return { decoded, ...decidedBy(drawn, run.configuration.model.supernet.nodes) };
}

/** @param drawn of at least one task */
export function decidedBy(drawn: readonly DrawnArchitecture[], nodes: number): Decided {
  const average = (of: (drawn: DrawnArchitecture) => number): number =>
    drawn.reduce((total, own) => total + of(own), 0) / drawn.length;
  return {
    chosen: average(({ architecture: { normal, reduction }, genotype }) => {
      const edges = cellNames.flatMap((cell) => genotype[cell].nodes.flat());
      return strengthOf({ normal, reduction }, genotype, nodes) / edges.length;
    }),
    entropy: average(({ architecture }) => {
      const alphas = cellNames.flatMap((cell) => Array.from(architecture[cell]));
      const total = alphas.reduce((sofar, a) => sofar + (a > 0 ? -a * Math.log(a) : 0), 0);
      return total / (alphas.length / operationNames.length) / Math.log(operationNames.length);
    }),
  };
}
