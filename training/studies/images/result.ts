import { join } from 'node:path';
import * as z from 'zod';
import type { ModelConfiguration } from '../../../model/configuration.ts';
import type { StudyConfiguration } from './configuration.ts';
import { accuracyOver, genotypeCounts } from '../../evaluation/evaluate-checkpoint.ts';
import type { Accuracy, EvaluatedSetting } from '../../evaluation/evaluate-checkpoint.ts';
import type { TaskEvaluation } from '../../evaluation/evaluate-task.ts';
import type { GroupedVectors } from '../../report/figures/projection.ts';
import { pooledReliability } from '../../evaluation/reliability.ts';
import type { Reliability } from '../../evaluation/reliability.ts';
import { readJsonFolder, rounded, writeJson } from '../../report/result-files.ts';

/** The test tasks of one domain and shot; arrays have one number a task, in an order that all runs share. */
export interface ImageSetting {
  readonly domain: string;
  readonly shot: number;
  readonly queries: readonly number[];
  /** Right answers, normalised by the support set's statistics. */
  readonly served: readonly number[];
  /** Right answers, normalised by the query batch. */
  readonly transductive: readonly number[];
  /** Of the runs that were asked for them: they are of the tasks, not of the run. */
  readonly floors?: { readonly pixels: Accuracy; readonly colours: Accuracy };
  /** How many tasks decode to each architecture; none for a network that is not searched. */
  readonly genotypes: Readonly<Record<string, number>>;
  /** How many tasks were mirrored (model/adaptation/mirror-images.ts), where the model does that. */
  readonly mirrored?: number;
  /** Of the served probabilities. */
  readonly reliability: Reliability;
}

/** What test tasks look like. */
export interface Protocol {
  readonly way: number;
  readonly shots: readonly number[];
  readonly query: number;
  /** Of every domain and shot. */
  readonly tasks: number;
  readonly seed: number;
}

/** What one stage of training took. */
export interface StageCost {
  readonly stage: string;
  readonly iterations: number;
  /** Tasks seen. */
  readonly tasks: number;
  /** Seconds of the iterations times worker threads. */
  readonly coreSeconds: number;
}

/** Served accuracy, 0..1, on validation classes on the way. */
export interface CurvePoint {
  readonly iteration: number;
  /** Of training until then. */
  readonly coreSeconds: number;
  readonly accuracies: Readonly<Record<string, number>>;
}

/** A run of the image study as it is kept in docs/results/images. */
export interface ImageResult {
  readonly name: string;
  readonly seed: number;
  readonly commit: string;
  readonly configuration: StudyConfiguration;
  readonly protocol: Protocol;
  readonly stages: readonly StageCost[];
  readonly curve: readonly CurvePoint[];
  readonly settings: readonly ImageSetting[];
}

const iterationLine = z.object({
  iteration: z.number(),
  stage: z.string(),
  tasks: z.number(),
  seconds: z.number(),
  workers: z.number(),
});
const validationLine = z.object({ iteration: z.number(), validation: z.record(z.string(), z.number()) });

/** What the metrics of a run tell of its cost and course. */
export function historyOf(metrics: readonly unknown[]): Pick<ImageResult, 'stages' | 'curve'> {
  const stages = new Map<string, Omit<StageCost, 'stage'>>();
  const curve: CurvePoint[] = [];
  let spent = 0;
  for (const line of metrics) {
    const step = iterationLine.safeParse(line).data;
    const validated = validationLine.safeParse(line).data;
    if (step) {
      const known = stages.get(step.stage) ?? { iterations: 0, tasks: 0, coreSeconds: 0 };
      const own = step.seconds * step.workers;
      spent += own;
      stages.set(step.stage, {
        iterations: known.iterations + 1,
        tasks: known.tasks + step.tasks,
        coreSeconds: known.coreSeconds + own,
      });
    } else if (validated) {
      const entries = Object.entries(validated.validation).map(([name, share]) => [name, round(share)]);
      const accuracies = Object.fromEntries(entries) as Record<string, number>;
      curve.push({ iteration: validated.iteration, coreSeconds: Math.round(spent), accuracies });
    }
  }
  return {
    stages: [...stages].map(([stage, { coreSeconds, ...counts }]) => ({
      stage,
      ...counts,
      coreSeconds: Math.round(coreSeconds),
    })),
    curve,
  };
}

const round = (value: number): number => Number(value.toPrecision(4));

/** What is kept of the test tasks of one domain and shot. */
export function settingOf(
  { domain, shot, tasks }: EvaluatedSetting,
  { mirroring }: Pick<ModelConfiguration, 'mirroring'>,
): ImageSetting {
  const answers = (name: 'served' | 'transductive'): number[] =>
    tasks.map((task) => task[name] ?? Number.NaN);
  const floor = (name: 'pixels' | 'colours'): Accuracy => {
    const { mean, interval } = accuracyOver(tasks.map((task) => (task[name] ?? Number.NaN) / task.queries));
    return { mean: round(mean), interval: round(interval) };
  };
  const reliability = pooledReliability(tasks.map((task) => task.reliability));
  return {
    domain,
    shot,
    queries: tasks.map(({ queries }) => queries),
    served: answers('served'),
    transductive: answers('transductive'),
    ...(tasks[0]?.pixels === undefined
      ? {}
      : { floors: { pixels: floor('pixels'), colours: floor('colours') } }),
    genotypes: genotypeCounts(tasks),
    ...(mirroring ? { mirrored: tasks.filter(({ mirrored }) => mirrored).length } : {}),
    reliability: { ...reliability, confidence: rounded(reliability.confidence, 6) },
  };
}

/** Task embeddings of test tasks by domain, as integers of at most two digits, and what one is worth. */
export interface ImageEmbeddings {
  readonly unit: number;
  readonly domains: GroupedVectors;
}

/** Test tasks whose embeddings are kept, of all domains together. */
const embeddedTasks = 1000;

/** The embeddings of the first test tasks of every domain at the largest shot; null for a network that has none. */
export function embeddingsOf(evaluated: readonly EvaluatedSetting[]): ImageEmbeddings | null {
  const largest = Math.max(...evaluated.map(({ shot }) => shot));
  const settings = evaluated.filter(({ shot }) => shot === largest);
  const each = Math.floor(embeddedTasks / settings.length);
  const first = (tasks: readonly TaskEvaluation[]): Float32Array[] =>
    tasks.slice(0, each).map(({ embedding }) => embedding);
  const size = settings
    .flatMap(({ tasks }) => first(tasks))
    .reduce((most, vector) => vector.reduce((own, x) => Math.max(own, Math.abs(x)), most), 0);
  if (size === 0) return null;
  const unit = size / 99;
  const domains = settings.map(({ domain, tasks }) => {
    const vectors = first(tasks).map((vector) => Array.from(vector, (x) => Math.round(x / unit) + 0)); // no -0
    return [domain, vectors] as const;
  });
  return { unit: round(unit), domains: Object.fromEntries(domains) };
}

/** `NAME-SEED`: how files of a run are named. */
export const runName = ({ name, seed }: { readonly name: string; readonly seed: number }): string =>
  `${name}-${seed}`;

const embeddingFolder = (results: string): string => join(results, 'embeddings');

/** Keeps a result, and the embeddings beside it where there are some. */
export async function writeResult(
  folder: string,
  result: ImageResult,
  embeddings: ImageEmbeddings | null,
): Promise<void> {
  await writeJson(folder, runName(result), result);
  if (embeddings) await writeJson(embeddingFolder(folder), runName(result), embeddings);
}

/** All results of a folder, in no particular order. */
export const readResults = async (folder: string): Promise<ImageResult[]> =>
  Object.values(await readJsonFolder<ImageResult>(folder));

/** The kept embeddings of a folder's results, by the name of the run. */
export const readEmbeddings = (folder: string): Promise<Record<string, ImageEmbeddings>> =>
  readJsonFolder(embeddingFolder(folder));

/** Runs beside the study, each of which says by its name what it has differently. */
export const isAblation = ({ name }: ImageResult): boolean => name.startsWith('ablation-');

/** Before the names of rows that are trained on mini-imagenet alone. */
export const alonePrefix = 'mini-';

/** Whether a run was trained on mini-imagenet alone. */
export const isAlone = ({ name }: ImageResult): boolean => name.startsWith(alonePrefix);

/** Whether a run was trained on all domains, to be compared row by row. */
export const isOfAllDomains = (result: ImageResult): boolean => !isAblation(result) && !isAlone(result);
