import type { EngineName } from '../../../engine/options.ts';
import { adamInit } from '../../optimizer/adam.ts';
import { drawParameters } from '../../../model/layers/parameter-specification.ts';
import type { ParameterSpecification } from '../../../model/layers/parameter-specification.ts';
import { fold, keyFrom } from '../../../model/random.ts';
import { parseRegressionKey } from '../../../model/regression/cell.ts';
import type { RegressionGenotype } from '../../../model/regression/cell.ts';
import { finalTraining } from '../../../model/regression/mnas.ts';
import { ParameterLayout } from '../../run/parameter-vector.ts';
import type { RunState } from '../../run/run-folder.ts';
import { engineEntry } from '../../outer-loop/run-identity.ts';
import type { ToyConfiguration } from './configuration.ts';
import { methodOf } from './methods/table.ts';

export type ToyState = RunState<RegressionGenotype>;

/** Θ of a row. */
export const specificationsOf = ({ method }: ToyConfiguration): readonly ParameterSpecification[] =>
  methodOf(method, finalTraining).parameters;

/** What a run must share with the one that it resumes. */
export const toyIdentity = (configuration: ToyConfiguration, engine: EngineName): string =>
  JSON.stringify({ ...configuration, workers: 0, checkpointMinutes: 0, ...engineEntry(engine) });

/** The architectures that a run begins with, where it is given one and searches none. */
const givenGenotypes = ({ method }: ToyConfiguration): RegressionGenotype[] =>
  method.kind === 'm-nas' && method.genotype !== undefined ? [parseRegressionKey(method.genotype)] : [];

/** Iteration 0, with meta-weights drawn by the seed; another `draw` gives others. */
export function freshState(configuration: ToyConfiguration, draw = 'start'): ToyState {
  const specifications = specificationsOf(configuration);
  const layout = new ParameterLayout(specifications);
  const key = fold(keyFrom(configuration.seed), 'parameters', draw);
  return {
    iteration: 0,
    parameters: layout.pack(drawParameters(specifications, key)),
    adam: adamInit(layout.length),
    genotypes: givenGenotypes(configuration),
    seconds: 0,
  };
}
