import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import type { ImageDomain } from '../../data/domain.ts';
import { hasTasks } from '../../data/tasks.ts';
import { evaluateTasks } from '../../evaluation/evaluate-checkpoint.ts';
import type { EvaluatedSetting, EvaluationOptions } from '../../evaluation/evaluate-checkpoint.ts';
import type { RunFolder } from '../../run/run-folder.ts';
import { Trainer } from '../../outer-loop/trainer.ts';
import type { TrainerEvents } from '../../outer-loop/trainer.ts';
import type { EarlierRun } from '../../outer-loop/branch.ts';
import { BaselineTrainer } from './baselines/trainer.ts';
import { findCell } from './baselines/auto-meta/find-cell.ts';
import type { CandidateHeard } from './baselines/auto-meta/find-cell.ts';
import { isAutoMeta, isBaseline } from './configuration.ts';
import type { BaselineConfiguration, StudyConfiguration } from './configuration.ts';
import { embeddingsOf, historyOf, settingOf, writeResult } from './result.ts';
import type { ImageResult, Protocol, StageCost } from './result.ts';

export interface ImageRun {
  readonly domains: readonly ImageDomain[];
  readonly folder: RunFolder;
  /** Where results are kept. */
  readonly results: string;
  readonly resume: boolean;
  /** Whose first stages are taken over instead of trained again, where the run is not resumed. */
  readonly earlier?: EarlierRun;
  readonly commit: string;
  readonly protocol: Protocol;
  /** Whether the embeddings of test tasks are kept, too. */
  readonly embeddings: boolean;
  /** Whether the floors of the test tasks are computed, too. */
  readonly floors: boolean;
}

export interface ImageEvents extends TrainerEvents {
  /** A cell of a row that searches its own is measured. */
  readonly candidate?: CandidateHeard;
  /** Training is at its end. */
  readonly trained?: () => void;
  readonly tested?: EvaluationOptions['progress'];
}

/** Trains one row to its end, tests it and writes its result; null when the signal stopped one or the other. */
export async function runImageRow(
  configuration: StudyConfiguration,
  run: ImageRun,
  events: ImageEvents,
  signal: AbortSignal,
): Promise<ImageResult | null> {
  const { folder, domains, protocol, floors } = run;
  const shape = { ...protocol, shot: Math.max(...protocol.shots) };
  const tested = domains.filter((domain) => hasTasks(domain, 'test', shape));
  const options: EvaluationOptions = {
    ...protocol,
    floors,
    split: 'test',
    workers: configuration.workers,
    signal,
    ...(events.tested ? { progress: events.tested } : {}),
  };
  const own = await (
    isBaseline(configuration)
      ? testedBaseline(configuration, run, events, signal, { tested, options })
      : testedRow(configuration, run, events, signal, { tested, options })
  ).catch((error: unknown) => {
    if (signal.aborted) return null; // the search of a cell and the tests end by its reason
    throw error;
  });
  if (!own) return null;
  const { settings: evaluated, search } = own;
  const { stages, curve } = historyOf(await folder.readMetrics());
  const { name, seed } = configuration;
  const result: ImageResult = {
    name,
    seed,
    commit: run.commit,
    configuration,
    protocol,
    stages: [...(search ? [search] : []), ...stages],
    curve,
    settings: evaluated.map((setting) => settingOf(setting, configuration.model)),
  };
  await writeResult(run.results, result, run.embeddings ? embeddingsOf(evaluated) : null);
  return result;
}

/** What the tests of a row gave, and what a search of its own took before its training. */
interface Tested {
  readonly settings: EvaluatedSetting[];
  readonly search?: StageCost;
}

/** What a trained row is tested on. */
interface Test {
  readonly tested: readonly ImageDomain[];
  readonly options: EvaluationOptions;
}

/** Trains M-NAS, a variant or MAML, and tests the checkpoint; null when the signal stopped the training. */
async function testedRow(
  configuration: StudyConfiguration,
  { folder, domains, resume, earlier }: ImageRun,
  events: ImageEvents,
  signal: AbortSignal,
  { tested, options }: Test,
): Promise<Tested | null> {
  const trainer = await Trainer.start(configuration, domains, folder, resume ? 'saved' : (earlier ?? 'new'));
  try {
    await trainer.run(events, undefined, signal);
  } finally {
    await trainer.close();
  }
  if (signal.aborted) return null;
  events.trained?.();
  return { settings: await evaluateTasks(decodeCheckpoint(trainer.checkpoint()), tested, options) };
}

/**
 * The same of a baseline, which leaves no checkpoint: the workers that train it test it.
 * @throws Error where it is to begin with another row's stages, which it has none of
 */
async function testedBaseline(
  configuration: BaselineConfiguration,
  { folder, domains, resume, earlier }: ImageRun,
  events: ImageEvents,
  signal: AbortSignal,
  { tested, options }: Test,
): Promise<Tested | null> {
  if (earlier && !resume)
    throw new Error(`${configuration.name} and ${earlier.configuration.name} share no stage`);
  const found = isAutoMeta(configuration)
    ? await findCell(configuration, domains, folder, resume, signal, events.candidate)
    : undefined;
  const from = resume && (await folder.has()) ? 'saved' : 'new';
  const genotypes = found ? [found.genotype] : [];
  const trainer = await BaselineTrainer.start(configuration, domains, folder, from, { genotypes });
  try {
    await trainer.run(events, undefined, signal);
    if (signal.aborted) return null;
    events.trained?.();
    return { settings: await trainer.evaluate(tested, options), ...(found ? { search: found.cost } : {}) };
  } finally {
    await trainer.close();
  }
}
