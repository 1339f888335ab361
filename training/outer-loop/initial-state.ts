import { isDeepStrictEqual } from 'node:util';
import { adamInit } from '../optimizer/adam.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { initialParameters, parameterSpecifications } from '../../model/parameters.ts';
import { fold, keyFrom } from '../../model/random.ts';
import type { StageConfiguration, TrainingConfiguration } from './configuration.ts';
import { ParameterLayout } from '../run/parameter-vector.ts';
import type { RunState } from '../run/run-folder.ts';

/** Iteration 0, with meta-weights drawn by the seed. */
export function freshState({ model, seed }: TrainingConfiguration): RunState {
  const layout = new ParameterLayout(parameterSpecifications(model));
  const parameters = layout.pack(initialParameters(model, fold(keyFrom(seed), 'parameters')));
  return { iteration: 0, parameters, adam: adamInit(layout.length), genotypes: [], seconds: 0 };
}

/**
 * The state at the start of a stage that trains the decoded architectures from nothing: the controller, the settled
 * architectures and a `fixed` encoder stay, all else is drawn anew, as nowhere else in the run.
 */
export function reinitializedState(
  { model, seed }: TrainingConfiguration,
  { encoder }: Pick<StageConfiguration, 'encoder'>,
  state: RunState,
): RunState {
  const layout = new ParameterLayout(parameterSpecifications(model));
  const key = fold(keyFrom(seed), 'parameters', state.iteration);
  const parameters = layout.pack(initialParameters(model, key));
  layout.copy(
    state.parameters,
    parameters,
    (group) => group === 'controller' || (group === 'encoder' && encoder === 'fixed'),
  );
  const { iteration, genotypes, seconds, validation } = state;
  const kept = { iteration, genotypes, seconds, ...(validation ? { validation } : {}) };
  return { ...kept, parameters, adam: adamInit(layout.length) };
}

/**
 * The start of meta-training behind the stage `classify`: its one-shot weights, statistics and architectures; all else is
 * drawn by the run's own seed. So runs that differ in encoder, controller, modulator or inner loop begin with the same cells.
 * @throws Error naming the tensor that the run's cells have otherwise
 */
export function classifiedState(configuration: TrainingConfiguration, classified: Checkpoint): RunState {
  const fresh = freshState(configuration);
  const { entries } = new ParameterLayout(parameterSpecifications(configuration.model));
  for (const { name, group, start, size } of entries) {
    if (group !== 'weights' && group !== 'statistics') continue;
    const values = classified.parameters[name];
    if (values?.length !== size)
      throw new Error(`checkpoint ${classified.id} has other cells than the run: ${name}`);
    fresh.parameters.set(values, start);
  }
  return { ...fresh, genotypes: classified.genotypes };
}

/** Whether a checkpoint comes from the stage `classify`, before any meta-training. */
export const isClassified = ({ training }: Checkpoint): boolean =>
  training['classified'] !== undefined && training['iterations'] === 0;

/**
 * Where a checkpoint stopped: its weights, architectures and iteration, but Adam's moments, which a checkpoint does not
 * hold, start at 0. For a run whose state is lost, or to train a bundled checkpoint further.
 * @throws Error when the checkpoint is of another model configuration or does not say how far it was trained
 */
export function continuedState({ model }: TrainingConfiguration, checkpoint: Checkpoint): RunState {
  if (!isDeepStrictEqual(checkpoint.configuration, model))
    throw new Error(`checkpoint ${checkpoint.id} is of another model configuration`);
  const { iterations, seconds } = checkpoint.training;
  if (typeof iterations !== 'number' || typeof seconds !== 'number')
    throw new Error(`checkpoint ${checkpoint.id} does not say how far it was trained`);
  const layout = new ParameterLayout(parameterSpecifications(model));
  return {
    iteration: iterations,
    parameters: layout.pack(checkpoint.parameters),
    adam: adamInit(layout.length),
    genotypes: checkpoint.genotypes,
    seconds,
  };
}
