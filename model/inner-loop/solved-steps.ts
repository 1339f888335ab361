import { stepRateValues } from './rates.ts';
import { fitsOneSolvedGraph } from './one-graph.ts';
import type { SolvedGraphs } from './solved-graphs.ts';
import type { SolvedNetwork } from './solved-network.ts';
import type { TaskRunner } from './task-runner.ts';
import { fitNames } from './unrolled-graphs.ts';
import type { Values } from '../graph/programs.ts';
import { fitOf, sizeKey, supportInputs } from '../task/labelled-set.ts';
import type { Fit, LabelledSet, TaskSize } from '../task/labelled-set.ts';

/** A support set on a trunk and the inner steps that it is adapted by. */
export interface SolvedAdaptation {
  readonly set: LabelledSet;
  readonly size: TaskSize;
  readonly steps: number;
  /** a graph a step, however few there are: it is compiled sooner, and runs a little longer */
  readonly stepwise?: boolean | undefined;
  /** told the support set's fit before step `step`, from 0 on: while the steps are run, where these are many */
  readonly onFit?: (fit: Fit, step: number) => void;
}

/** What the steps of Eq. 8 lead to. */
export interface Stepped {
  readonly weights: Values;
  /** Before every step. */
  readonly fits: readonly Fit[];
}

/** Eq. 8 on a trunk from `start` (startValues, and the architecture's weights of a supernet). */
export function solvedSteps(
  runner: TaskRunner,
  network: SolvedNetwork,
  start: Values,
  adaptation: SolvedAdaptation,
): Promise<Stepped> {
  const { size, steps, stepwise = false } = adaptation;
  const way = !stepwise && fitsOneSolvedGraph(runner.configuration, size, steps) ? inOneGraph : stepByStep;
  return way(runner, network, start, adaptation);
}

/** All steps in one graph. */
export async function inOneGraph(
  { programs }: TaskRunner,
  { graphs }: SolvedNetwork,
  start: Values,
  { set, size, steps, onFit }: SolvedAdaptation,
): Promise<Stepped> {
  const results = await programs.run(
    `solved steps ${graphs.key} ${sizeKey(size)} ${steps}`,
    () => graphs.steps(size, steps),
    start,
    supportInputs(set),
  );
  const fits = Array.from({ length: steps }, (_, k) => fitOf(results, set, size.way, fitNames(k)));
  fits.forEach((fit, step) => onFit?.(fit, step));
  return { weights: weightsOf(graphs, results), fits };
}

/** A graph a step: memory does not depend on the number of steps. */
export async function stepByStep(
  { programs, configuration }: TaskRunner,
  { graphs }: SolvedNetwork,
  start: Values,
  { set, size, steps, onFit }: SolvedAdaptation,
): Promise<Stepped> {
  let weights = weightsOf(graphs, start);
  const fits: Fit[] = [];
  for (let k = 0; k < steps; k++) {
    const results = await programs.run(
      `solved step ${graphs.key} ${sizeKey(size)}`,
      () => graphs.step(size),
      start,
      weights,
      stepRateValues(configuration, start, k),
      supportInputs(set),
    );
    const fit = fitOf(results, set, size.way);
    onFit?.(fit, k);
    fits.push(fit);
    weights = weightsOf(graphs, results);
  }
  return { weights, fits };
}

/** What `SolvedGraphs.fitted` tells of a support set, by the weights of `start` and those `adapted` in place of them. */
export const solvedFit = (
  { programs }: TaskRunner,
  { graphs }: SolvedNetwork,
  start: Values,
  { set, size }: Pick<SolvedAdaptation, 'set' | 'size'>,
  adapted: Values = {},
): Promise<Record<string, Float32Array>> =>
  programs.run(
    `fitted ${graphs.key} ${sizeKey(size)}`,
    () => graphs.fitted(size),
    start,
    adapted,
    supportInputs(set),
  );

const weightsOf = ({ adapted }: SolvedGraphs, values: Values): Values =>
  Object.fromEntries(adapted.map(({ name }) => [name, values[name]!]));
