import { sizeOf } from '../../../model/graph/shapes.ts';
import { parseRegressionKey } from '../../../model/regression/cell.ts';
import { weightCount } from '../../../model/regression/export.ts';
import { differences, intervalOf } from '../../report/statistics.ts';
import type { Interval } from '../../report/statistics.ts';
import { ParameterLayout } from '../../run/parameter-vector.ts';
import { totalIterations } from '../../run/schedule.ts';
import type { ToyConfiguration } from './configuration.ts';
import { byFamily, families } from './families.ts';
import type { Family } from './families.ts';
import { fullyConnectedSpecifications } from './methods/fully-connected.ts';
import type { ToyResult } from './result.ts';
import { specificationsOf } from './state.ts';

/** Above the square of the largest value of any function: worse than to predict nothing, the inner loop diverged. */
export const divergedError = 1000;

/** All tasks of a run, family after family. */
export const pooled = ({ errors }: Pick<ToyResult, 'errors'>): number[] =>
  families.flatMap((family) => [...errors[family]]);

/** Without those of tasks that diverged. */
export const converged = (errors: readonly number[]): number[] =>
  errors.filter((error) => error <= divergedError);

/** The mean over the same tasks of a - b, with its paired interval, per family and for all. */
export function pairedDifference(a: ToyResult, b: ToyResult): Record<Family | 'average', Interval> {
  const of = (family: Family): Interval => intervalOf(differences(a.errors[family], b.errors[family]));
  return { ...byFamily(of), average: intervalOf(differences(pooled(a), pooled(b))) };
}

/** Weights that a task adapts, of the smallest and the largest network that test tasks got. */
export interface Weights {
  readonly least: number;
  readonly most: number;
}

/** Of the base learner; of M-NAS, of the decoded cells. Null for what is not trained. */
export function adaptedWeights({ configuration, genotypes }: ToyResult): Weights | null {
  if (!configuration) return null;
  const { method } = configuration;
  if (method.kind === 'm-nas') {
    const keys = families.flatMap((family) => Object.keys(genotypes[family]));
    const counts = keys.map((key) => weightCount(method.model, parseRegressionKey(key)));
    return counts.length === 0 ? null : { least: Math.min(...counts), most: Math.max(...counts) };
  }
  const network = fullyConnectedSpecifications(method.learner);
  const copies = method.kind === 'bmaml' ? method.particles : 1;
  const count = copies * network.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { least: count, most: count };
}

/** Numbers in Θ: all that meta-training learns. Null for what is not trained. */
export const metaWeights = ({ configuration }: ToyResult): number | null =>
  configuration && new ParameterLayout(specificationsOf(configuration)).length;

/** Meta-iterations since the weights were drawn last, those of a search among them. */
export function weightIterations({ stages }: ToyConfiguration): number {
  const drawn = stages.findLastIndex(({ reinitialize }) => reinitialize);
  return totalIterations({ stages: stages.slice(Math.max(0, drawn)) });
}

/** Meta-iterations before there are decoded cells; 0 where nothing is searched. */
export function searchIterations({ method, stages }: ToyConfiguration): number {
  const retrained = stages.findIndex(({ stage }) => stage === 'retrain');
  return method.kind === 'm-nas' ? totalIterations({ stages: stages.slice(0, Math.max(0, retrained)) }) : 0;
}
