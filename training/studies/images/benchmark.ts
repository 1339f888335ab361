import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import type { TrainingConfiguration } from '../../outer-loop/configuration.ts';
import type { ImageDomain } from '../../data/domain.ts';
import { hasTasks } from '../../data/tasks.ts';
import { evaluateTasks } from '../../evaluation/evaluate-checkpoint.ts';
import type { EvaluationOptions } from '../../evaluation/evaluate-checkpoint.ts';
import type { RunFolder } from '../../run/run-folder.ts';
import { Trainer } from '../../outer-loop/trainer.ts';
import type { TrainerEvents } from '../../outer-loop/trainer.ts';
import type { EarlierRun } from '../../outer-loop/branch.ts';
import { embeddingsOf, historyOf, settingOf, writeResult } from './result.ts';
import type { ImageResult, Protocol } from './result.ts';

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
  /** Training is at its end. */
  readonly trained?: () => void;
  readonly tested?: EvaluationOptions['progress'];
}

/** Trains one row to its end, tests it and writes its result; null when the signal stopped it before. */
export async function runImageRow(
  configuration: TrainingConfiguration,
  run: ImageRun,
  events: ImageEvents,
  signal: AbortSignal,
): Promise<ImageResult | null> {
  const { folder, domains, protocol, floors } = run;
  const from = run.resume ? 'saved' : (run.earlier ?? 'new');
  const trainer = await Trainer.start(configuration, domains, folder, from);
  try {
    await trainer.run(events, undefined, signal);
  } finally {
    await trainer.close();
  }
  if (signal.aborted) return null;
  events.trained?.();
  const shape = { ...protocol, shot: Math.max(...protocol.shots) };
  const tested = domains.filter((domain) => hasTasks(domain, 'test', shape));
  const evaluated = await evaluateTasks(decodeCheckpoint(trainer.checkpoint()), tested, {
    ...protocol,
    floors,
    split: 'test',
    workers: configuration.workers,
    ...(events.tested ? { progress: events.tested } : {}),
  });
  const { name, seed } = configuration;
  const result: ImageResult = {
    name,
    seed,
    commit: run.commit,
    configuration,
    protocol,
    ...historyOf(await folder.readMetrics()),
    settings: evaluated.map((setting) => settingOf(setting, configuration.model)),
  };
  await writeResult(run.results, result, run.embeddings ? embeddingsOf(evaluated) : null);
  return result;
}
