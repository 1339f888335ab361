import { isDeepStrictEqual } from 'node:util';
import { adamInit } from '../optimizer/adam.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { initialParameters, parameterSpecifications } from '../../model/parameters.ts';
import { drawParameters } from '../../model/layers/parameter-specification.ts';
import type { ParameterSpecification } from '../../model/layers/parameter-specification.ts';
import { fold, keyFrom } from '../../model/random.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { trainingConfigurationSchema } from './configuration.ts';
import type { StageConfiguration, TrainingConfiguration } from './configuration.ts';
import { withoutFormerOptions } from '../run/former-options.ts';
import { ParameterLayout } from '../run/parameter-vector.ts';
import type { RunState } from '../run/run-folder.ts';
import { totalIterations } from '../run/schedule.ts';

/** Iteration 0, with meta-weights drawn by the seed. */
export const freshState = ({ model, seed }: TrainingConfiguration): RunState =>
  drawnState(parameterSpecifications(model), seed);

/** Iteration 0 of a run of any parameters, drawn by the seed. */
export function drawnState(
  specifications: readonly ParameterSpecification[],
  seed: number,
  genotypes: readonly Genotype[] = [],
): RunState {
  const layout = new ParameterLayout(specifications);
  const parameters = layout.pack(drawParameters(specifications, fold(keyFrom(seed), 'parameters')));
  return { iteration: 0, parameters, adam: adamInit(layout.length), genotypes, seconds: 0 };
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
 * The start of fine-tuning: a checkpoint's weights and architectures at iteration 0. For which kinds of images its controller
 * chooses may be new.
 * @throws Error naming the keys of the model that the checkpoint has otherwise
 */
export function fineTunedState({ model }: TrainingConfiguration, checkpoint: Checkpoint): RunState {
  requireSameModel(model, checkpoint);
  const layout = new ParameterLayout(parameterSpecifications(model));
  return {
    iteration: 0,
    parameters: layout.pack(checkpoint.parameters),
    adam: adamInit(layout.length),
    genotypes: checkpoint.genotypes,
    seconds: 0,
  };
}

function requireSameModel(model: ModelConfiguration, { id, configuration }: Checkpoint): void {
  const keys = Object.keys({ ...configuration, ...model }) as (keyof ModelConfiguration)[];
  const { kinds } = model.controller;
  const known =
    kinds === undefined
      ? configuration
      : { ...configuration, controller: { kinds, ...configuration.controller } };
  const other = keys.filter((key) => !isDeepStrictEqual(known[key], model[key]));
  if (other.length > 0)
    throw new Error(
      `checkpoint ${id} is of another model: ${other.map((key) => `model.${key}`).join(', ')} must be as in the checkpoint`,
    );
}

/**
 * Whether a checkpoint is one of this very run, saved before its end: the run goes on where the checkpoint stopped. Names of
 * folders, workers and minutes between saves do not count.
 */
export function isUnfinished(configuration: TrainingConfiguration, { training }: Checkpoint): boolean {
  const { iterations } = training;
  const written = withoutFormerOptions(JSON.stringify(training['configuration'] ?? null));
  const recorded = trainingConfigurationSchema.safeParse(JSON.parse(written));
  if (!recorded.success || typeof iterations !== 'number') return false;
  const same = isDeepStrictEqual(comparable(recorded.data), comparable(configuration));
  return same && iterations < totalIterations(configuration);
}

const comparable = (configuration: TrainingConfiguration): unknown => ({
  ...configuration,
  workers: 0,
  checkpointMinutes: 0,
  domains: configuration.domains.map((domain) => ({ ...domain, source: domain.source.name })),
});

/**
 * Where a checkpoint of the run stopped (see isUnfinished): its weights, architectures and iteration, but Adam's moments, which
 * a checkpoint does not hold, start at 0. For a run whose state is lost.
 */
export function continuedState(configuration: TrainingConfiguration, checkpoint: Checkpoint): RunState {
  const { iterations, seconds } = checkpoint.training;
  return {
    ...fineTunedState(configuration, checkpoint),
    iteration: Number(iterations),
    seconds: Number(seconds ?? 0),
  };
}
