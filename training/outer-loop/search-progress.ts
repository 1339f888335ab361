import { cellNames, oneHot, operationNames } from '../../model/search-space/genotype.ts';
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
    chosen: average(({ architecture, genotype }) => {
      const mask = oneHot(genotype, nodes);
      const strengths = cellNames.flatMap((cell) =>
        Array.from(architecture[cell]).filter((_, i) => mask[cell][i]! > 0),
      );
      return meanOf(strengths);
    }),
    entropy: average(({ architecture }) =>
      meanOf(
        cellNames.flatMap((cell) =>
          // −α ln α, which goes to 0 with α
          Array.from(
            architecture[cell],
            (a) => (operationNames.length * (a > 0 ? -a * Math.log(a) : 0)) / Math.log(operationNames.length),
          ),
        ),
      ),
    ),
  };
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0) / values.length;
