import type { Picture } from '../../images/pixels/resize.ts';
import { squeeze } from '../../images/pixels/resize.ts';
import { evaluationOf, mistakesOf } from '../../model/accuracy/judgements.ts';
import { adaptOnTrunk } from '../../model/adaptation/adapt-on-trunk.ts';
import { allowedGenotypes } from '../../model/adaptation/budget.ts';
import type { AllowedGenotype, Budget } from '../../model/adaptation/budget.ts';
import { genotypeCost } from '../../model/adaptation/child-cost.ts';
import { adaptTask } from '../../model/adaptation/adapt-task.ts';
import type { AdaptOptions, LabelledImage } from '../../model/adaptation/adapt-task.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Executor, ModelRunner } from '../../model/graph/executor.ts';
import { stopwatch } from '../../model/stopwatch.ts';
import { toFloat } from '../../model/task/pixels.ts';
import { wholeAndCrops } from '../../model/task/views.ts';
import type { LoadedTrunk } from './load.ts';
import type { Adapted, LabelledFile, Progress } from './messages.ts';
import { supportRows } from './trunk-rows.ts';

/** A task that is to be made: its checkpoint, what that stands on, and the images as files. */
export interface DeviceTask {
  readonly checkpoint: Checkpoint;
  /** of a checkpoint that stands on one */
  readonly trunk?: LoadedTrunk | undefined;
  readonly steps: number;
  readonly budget?: Budget | undefined;
  readonly support: readonly LabelledFile[];
}

/** What tasks are made with. */
export interface DeviceTools {
  readonly executor: Executor & ModelRunner;
  /** pixels of a file, at full size */
  readonly decode: (file: Blob) => Promise<Picture>;
  readonly tell: (progress: Progress) => void;
}

/**
 * Makes the task, as the service makes it. On a trunk the answer has the accuracy on images that were left out: each image
 * is judged by a head without it, which that one adaptation solves.
 * @throws BudgetError, what `decode` and `executor` throw
 */
export async function adaptToFiles(task: DeviceTask, tools: DeviceTools): Promise<Adapted> {
  const { checkpoint, trunk, steps } = task;
  const report: AdaptOptions['report'] = ({ kind }) => {
    if (kind === 'genotype') tools.tell({ stage: 'weights' });
  };
  const options: AdaptOptions = { steps, report, allowed: allowedFor(task) };
  if (trunk) return adaptToRows(checkpoint, trunk, task.support, options, tools);
  const support = await supportImages(task, tools);
  tools.tell({ stage: 'architecture' });
  const adapted = await adaptTask(checkpoint, support, options, tools.executor);
  return { ...adapted, size: checkpoint.configuration.image.size, mistakes: [] };
}

/**
 * What the task's budget leaves of its checkpoint's architectures, as the service counts it; undefined without one.
 * @throws BudgetError
 */
export function allowedFor({
  checkpoint,
  trunk,
  budget,
  support,
}: DeviceTask): readonly AllowedGenotype[] | undefined {
  if (!budget) return undefined;
  const labels = [...new Set(support.map(({ label }) => label))];
  const costs = checkpoint.genotypes.map((genotype) =>
    genotypeCost(checkpoint, trunk, genotype, labels.length),
  );
  return allowedGenotypes(costs, budget, labels);
}

async function adaptToRows(
  checkpoint: Checkpoint,
  trunk: LoadedTrunk,
  files: readonly LabelledFile[],
  options: AdaptOptions,
  { executor, decode, tell }: DeviceTools,
): Promise<Adapted> {
  const clock = stopwatch();
  const { side } = trunk.card;
  const labels = files.map(({ label }) => label);
  const rows = await supportRows(executor, trunk, checkpoint.configuration, {
    labels,
    ready: (done) => tell({ stage: 'images', done, total: files.length }),
    pixels: async (image, crops) => {
      const picture = await decode(files[image]!.file);
      return wholeAndCrops(picture, crops, (view) => squeeze(picture, side, view));
    },
  });
  clock.lap('planes');
  tell({ stage: 'architecture' });
  const adapted = await adaptOnTrunk(
    checkpoint,
    trunk,
    { labels, rows },
    { ...options, stepwise: true },
    executor,
  );
  const { leftOut = [], timings } = adapted;
  return {
    ...adapted,
    size: side,
    timings: { ...clock.laps, ...timings },
    mistakes: mistakesOf(adapted.labels, leftOut),
    ...(leftOut.length > 0 && { evaluation: evaluationOf(adapted.labels, leftOut) }),
  };
}

/** The images of a task without a trunk. One after the other: a photo takes its whole size in memory while it is decoded. */
export async function supportImages(
  { checkpoint, support: files }: Pick<DeviceTask, 'checkpoint' | 'support'>,
  { decode, tell }: Pick<DeviceTools, 'decode' | 'tell'>,
): Promise<LabelledImage[]> {
  const { size } = checkpoint.configuration.image;
  const support: LabelledImage[] = [];
  for (const { label, file } of files) {
    tell({ stage: 'images', done: support.length, total: files.length });
    support.push({ label, pixels: toFloat(squeeze(await decode(file), size)) });
  }
  return support;
}
