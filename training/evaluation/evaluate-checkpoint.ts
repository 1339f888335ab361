import { WorkerPool } from '../../engine/pool.ts';
import { parameterSpecifications } from '../../model/parameters.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import type { ImageDomain } from '../data/domain.ts';
import { noAugmentation } from '../data/augment.ts';
import type { EvaluationPayload, TaskEvaluation } from './evaluate-task.ts';
import type { EvaluationJobs } from './evaluation-jobs.ts';
import { table } from '../report/markdown.ts';
import { ParameterLayout, sharedVector } from '../run/parameter-vector.ts';
import { expectedCalibrationError, pooledReliability } from './reliability.ts';
import { countsOf, intervalOf } from '../report/statistics.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { settingsOf } from './settings.ts';
import type { AskedTasks, Setting } from './settings.ts';
import { domainData } from '../worker/worker-state.ts';
import type { TrainingWorkerData } from '../worker/worker-state.ts';

export interface EvaluationOptions extends AskedTasks {
  readonly tasks: number;
  readonly seed: number;
  readonly workers: number;
  /** Whether the two floors are computed, too. */
  readonly floors: boolean;
  readonly progress?: (done: number, total: number) => void;
  /** Ends it at once, with its reason as the error. */
  readonly signal?: AbortSignal;
}

/** Mean accuracy over tasks and the half width of its 95 % interval (1.96 σ/√n), both in percent. */
export interface Accuracy {
  readonly mean: number;
  readonly interval: number;
}

export interface DomainReport extends Setting {
  readonly tasks: number;
  readonly served: Accuracy;
  /** With the statistics of the queries' own batch, or, on a trunk, of support set and queries together. */
  readonly transductive: Accuracy;
  /** Nearest class mean on 16x16 pixels. */
  readonly floorPixels: Accuracy;
  /** Nearest class mean on a 64-bin colour histogram. */
  readonly floorColours: Accuracy;
  /** Of the served probabilities, in percent (expectedCalibrationError). */
  readonly calibrationError: number;
  /** How many tasks decode to each architecture. */
  readonly genotypes: Readonly<Record<string, number>>;
}

/** Mean and interval of accuracies in 0..1, in percent. */
export function accuracyOver(values: readonly number[]): Accuracy {
  const { mean, half } = intervalOf(values);
  return { mean: 100 * mean, interval: 100 * half };
}

type EvaluationPool = WorkerPool<EvaluationJobs, TrainingWorkerData>;

/** Decoded domains, or the kept planes of a checkpoint on a trunk. */
export type EvaluatedDomains = readonly ImageDomain[] | readonly PlaneDomain[];

/** Workers that know a checkpoint and domains. */
function evaluationPool(
  { configuration, parameters: values }: Checkpoint,
  domains: EvaluatedDomains,
  { seed, workers }: EvaluationOptions,
): EvaluationPool {
  const layout = new ParameterLayout(parameterSpecifications(configuration));
  const parameters = sharedVector(layout.length);
  layout.pack(values, parameters);
  const workerData: TrainingWorkerData = {
    model: configuration,
    ...domainData(domains),
    weights: domains.map(() => 1),
    augmentations: domains.map(() => noAugmentation),
    seed,
    parameters,
    gradients: [],
  };
  return new WorkerPool({
    workers,
    queueLimit: Number.MAX_SAFE_INTEGER,
    jobs: new URL('../jobs.ts', import.meta.url),
    engine: { provider: 'cpu', threads: 1, cacheSize: 64, memoryPattern: false },
    workerData,
  });
}

/** The tasks of one domain and shot, in an order that all checkpoints share. */
export interface EvaluatedSetting extends Setting {
  readonly tasks: readonly TaskEvaluation[];
}

/** Runs `run` for the tasks of every setting: its results in the order of the tasks. */
export async function everyTask<T>(
  settings: readonly Setting[],
  { tasks, progress }: Pick<EvaluationOptions, 'tasks' | 'progress'>,
  run: (setting: Setting, task: number) => Promise<T>,
): Promise<(Setting & { readonly tasks: T[] })[]> {
  const total = settings.length * tasks;
  let done = 0;
  const evaluated: (Setting & { readonly tasks: T[] })[] = [];
  for (const setting of settings) {
    const runs = Array.from({ length: tasks }, async (_, task): Promise<T> => {
      const result = await run(setting, task);
      progress?.(++done, total);
      return result;
    });
    evaluated.push({ ...setting, tasks: await Promise.all(runs) });
  }
  return evaluated;
}

/** The same by a job of workers that know a checkpoint. */
export async function overTasks<T>(
  checkpoint: Checkpoint,
  domains: EvaluatedDomains,
  settings: readonly Setting[],
  options: EvaluationOptions,
  run: (pool: EvaluationPool, setting: Setting, task: number) => Promise<T>,
): Promise<(Setting & { readonly tasks: T[] })[]> {
  if (settings.length === 0) return [];
  const pool = evaluationPool(checkpoint, domains, options);
  try {
    return await everyTask(settings, options, (setting, task) => run(pool, setting, task));
  } finally {
    await pool.close();
  }
}

/** A test task: of its domain's given classes, in served and in transductive mode, with a settled architecture. */
export const testPayload = (
  { domain, shot, way }: Setting,
  task: number,
  { split, query, seed, floors }: EvaluationOptions,
): EvaluationPayload => ({
  domain,
  split,
  shape: { way, shot, query },
  seed,
  task,
  stage: 'retrain',
  alphaTemperature: 1,
  transductive: true,
  floors,
});

/** How a job of a task is run: until the evaluation is ended. */
export const stoppable = ({ signal }: EvaluationOptions): { signal?: AbortSignal } =>
  signal ? { signal } : {};

/** Evaluates a checkpoint on tasks that depend on seed and ways alone, the same for every checkpoint. */
export async function evaluateTasks(
  checkpoint: Checkpoint,
  domains: EvaluatedDomains,
  options: EvaluationOptions,
  settings: readonly Setting[] = settingsOf(domains, options).settings,
): Promise<EvaluatedSetting[]> {
  const { genotypes } = checkpoint;
  return overTasks(checkpoint, domains, settings, options, (pool, setting, task) =>
    pool.run('evaluate', { ...testPayload(setting, task, options), genotypes }, stoppable(options)),
  );
}

/** Accuracies by domain and shot. */
export async function evaluateCheckpoint(
  checkpoint: Checkpoint,
  domains: EvaluatedDomains,
  options: EvaluationOptions,
): Promise<DomainReport[]> {
  return (await evaluateTasks(checkpoint, domains, options)).map(reportOf);
}

function reportOf({ domain, shot, way, tasks }: EvaluatedSetting): DomainReport {
  const over = (name: 'served' | 'transductive' | 'pixels' | 'colours'): Accuracy =>
    accuracyOver(tasks.map((task) => (task[name] ?? Number.NaN) / task.queries));
  const reliability = pooledReliability(tasks.map((task) => task.reliability));
  return {
    domain,
    shot,
    way,
    tasks: tasks.length,
    served: over('served'),
    transductive: over('transductive'),
    floorPixels: over('pixels'),
    floorColours: over('colours'),
    calibrationError: 100 * expectedCalibrationError(reliability),
    genotypes: genotypeCounts(tasks),
  };
}

/** How many tasks decode to each architecture. */
export const genotypeCounts = (tasks: readonly TaskEvaluation[]): Record<string, number> =>
  countsOf(tasks.flatMap(({ genotype }) => (genotype ? genotypeKey(genotype) : [])));

/** The mean over domains of one column, for one shot. */
export const meanOverDomains = (
  reports: readonly DomainReport[],
  shot: number,
  column: 'served' | 'transductive' | 'floorPixels' | 'floorColours',
): number => {
  const own = reports.filter((entry) => entry.shot === shot);
  return own.reduce((total, entry) => total + entry[column].mean, 0) / own.length;
};

/** A dash where a column is not computed, as the floors are not on a trunk. */
const cell = ({ mean, interval }: Accuracy): string =>
  Number.isNaN(mean) ? '–' : `${mean.toFixed(2)} ± ${interval.toFixed(2)}`;

/** A report as a Markdown table, with the means over domains below. */
export function evaluationTable(reports: readonly DomainReport[]): string {
  const columns = ['served', 'transductive', 'floorPixels', 'floorColours'] as const;
  const rows = reports.map((report) => [
    report.domain,
    `${report.way}`,
    `${report.shot}`,
    ...columns.map((column) => cell(report[column])),
    report.calibrationError.toFixed(2),
    `${Object.keys(report.genotypes).length}`,
  ]);
  const shots = [...new Set(reports.map(({ shot }) => shot))];
  const means = shots.map((shot) => [
    '**mean**',
    '',
    `${shot}`,
    ...columns.map((column) => {
      const mean = meanOverDomains(reports, shot, column);
      return Number.isNaN(mean) ? '–' : mean.toFixed(2);
    }),
    '',
    '',
  ]);
  const named = ['served', 'transductive', 'floor: pixels', 'floor: colours'];
  return table(
    ['domain', 'ways', 'shot', ...named, 'calibration error', 'architectures'],
    [...rows, ...means],
  );
}
