import type { ModelConfiguration } from '../configuration.ts';
import type { Values } from '../graph/programs.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import { childWeights, selectChild } from '../network/child.ts';
import type { ChildWeight } from '../network/child.ts';
import { childStatistics } from '../network/trunk-statistics.ts';
import type { Genotype } from '../search-space/genotype.ts';
import { SolvedGraphs } from './solved-graphs.ts';

/** A network on a trunk: the relaxed one-shot model, or one decoded child. */
export interface SolvedNetwork {
  readonly graphs: SolvedGraphs;
  /** Parts of the one-shot model's weights and of its learned statistics, for a child. */
  readonly child: {
    readonly weights: readonly ChildWeight[];
    readonly statistics: readonly ChildWeight[];
  } | null;
}

/** The child of a genotype, or the one-shot model. */
export const solvedNetwork = (configuration: ModelConfiguration, genotype: Genotype | null): SolvedNetwork =>
  genotype
    ? {
        graphs: new SolvedGraphs(configuration, { kind: 'child', genotype }),
        child: {
          weights: childWeights(configuration, genotype),
          statistics: childStatistics(configuration, genotype),
        },
      }
    : { graphs: new SolvedGraphs(configuration, { kind: 'supernet' }), child: null };

/**
 * What the graphs of a network start from, by name: its own part of the modulated weights and of the learned statistics, and
 * what the controller has set for the task.
 */
export const startValues = ({ child }: SolvedNetwork, parameters: Parameters, modulated: Values): Values => ({
  ...parameters,
  ...modulated,
  ...(child
    ? { ...selectChild(child.weights, modulated), ...selectChild(child.statistics, parameters) }
    : {}),
});
