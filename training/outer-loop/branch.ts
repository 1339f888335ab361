import { isDeepStrictEqual } from 'node:util';
import type { EngineChoice } from '../../engine/options.ts';
import type { TrainingConfiguration } from './configuration.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import type { ImageDomain } from '../data/domain.ts';
import type { RunFolder, RunState } from '../run/run-folder.ts';
import { identityOf } from './run-identity.ts';
import { totalIterations } from '../run/schedule.ts';

/** A run whose first stages another one has, too. */
export interface EarlierRun {
  readonly configuration: TrainingConfiguration;
  readonly folder: RunFolder;
}

/** A configuration without its stages and without that which changes no bit of Θ. */
const commonOf = (configuration: TrainingConfiguration): unknown => ({
  ...configuration,
  name: '',
  stages: [],
  averaging: 0,
  validation: null,
  checkpointMinutes: 0,
  workers: 0,
});

/**
 * Iterations of the leading stages that train the same in both, to the bit: a run is a function of its configuration
 * and data, and a stage does not know what follows it. The last stage of either is never among them.
 */
export function sharedIterations(a: TrainingConfiguration, b: TrainingConfiguration): number {
  if (!isDeepStrictEqual(commonOf(a), commonOf(b))) return 0;
  const parting = a.stages.findIndex((stage, i) => !isDeepStrictEqual(stage, b.stages[i]));
  const shared = Math.min(parting < 0 ? a.stages.length : parting, a.stages.length - 1, b.stages.length - 1);
  return totalIterations({ stages: a.stages.slice(0, shared) });
}

/**
 * The state in which `configuration` parts from the earlier's, with the metrics up to there copied to `folder`: the run
 * goes on as if it had trained those stages itself, and counts what they cost. Its running average begins there.
 * @throws Error when they share no stage, or the earlier has not kept the state after the last one that they share
 */
export async function partedState(
  configuration: TrainingConfiguration,
  earlier: EarlierRun,
  folder: RunFolder,
  domains: readonly ImageDomain[] | readonly PlaneDomain[],
  engine: EngineChoice,
): Promise<RunState> {
  const shared = sharedIterations(configuration, earlier.configuration);
  if (shared === 0)
    throw new Error(
      `${configuration.name} and ${earlier.configuration.name} share no stage before their last`,
    );
  const state = await earlier.folder.loadStage(shared, identityOf(earlier.configuration, domains, engine));
  await folder.begin(0);
  await folder.appendMetrics(await earlier.folder.readMetrics(shared));
  const { iteration, parameters, adam, genotypes, seconds } = state;
  return { iteration, parameters, adam, genotypes, seconds };
}
