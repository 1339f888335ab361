import { join } from 'node:path';
import * as z from 'zod';
import type { EngineName } from '../../../engine/options.ts';
import { readJsonFolder, rounded, writeJson } from '../../report/result-files.ts';
import type { ToyConfiguration } from './configuration.ts';
import { byFamily, families, isMainReading } from './families.ts';
import type { Family, Reading } from './families.ts';
import type { FitRange } from './fits.ts';
import type { ToyEvaluationResult } from './jobs.ts';
import type { ToyMetrics } from './trainer.ts';

/** A row of Table 1 as it is kept in docs/results/toy. */
export interface ToyResult {
  readonly name: string;
  readonly seed: number;
  readonly commit: string;
  /** absent: onnxruntime */
  readonly engine?: EngineName;
  readonly reading: Reading;
  /** null for an oracle, which is not trained */
  readonly configuration: ToyConfiguration | null;
  readonly iterations: number;
  /** of training steps */
  readonly seconds: number;
  /** Iterations that were skipped since an inner loop left the range of numbers. */
  readonly skipped: number;
  /** Mean squared error on validation tasks on the way. */
  readonly curve: readonly {
    readonly iteration: number;
    readonly errors: Readonly<Record<Family, number>>;
  }[];
  /** The state that was best in validation; absent in earlier results. */
  readonly best?: BestTested;
  /** Predictions for the shown test task of each family on its grid (see fits.ts). */
  readonly fits: Readonly<Record<Family, readonly number[]>>;
  /** Of their grids; absent in earlier results, whose grids end where the task's points do. */
  readonly fitRanges?: Readonly<Record<Family, FitRange>>;
  /** Mean squared error of each test task, in the order of the tasks, which all rows of a reading share; infinite where the inner loop left the range of numbers. */
  readonly errors: Readonly<Record<Family, readonly number[]>>;
  /** How many test tasks of each family decode to each architecture. */
  readonly genotypes: Readonly<Record<Family, Readonly<Record<string, number>>>>;
}

/** What a run was where its validation error, of all families, was least. */
export interface BestTested {
  readonly iteration: number;
  /** Mean squared error on the validation tasks. */
  readonly validation: number;
  /** Of each test task, as those of the last state. */
  readonly errors: Readonly<Record<Family, readonly number[]>>;
}

/** What is not finite is null in JSON, and no point of the curve. */
const validationLine = z.object({
  iteration: z.number(),
  validation: z.record(z.enum(families), z.number()),
});

/** What the metrics of a run tell of its course. */
export function historyOf(metrics: readonly unknown[]): Pick<ToyResult, 'skipped' | 'curve'> {
  const skipped = metrics.filter((line) => (line as Partial<ToyMetrics>).error === null).length;
  const curve = metrics.flatMap((line) => {
    const { success, data } = validationLine.safeParse(line);
    if (!success) return [];
    const errors = byFamily((family) => Number(data.validation[family].toPrecision(4)));
    return [{ iteration: data.iteration, errors }];
  });
  return { skipped, curve };
}

/** Task embeddings of the first test tasks, by family: what the projection of Fig. 6 is made of. */
export type ToyEmbeddings = Readonly<Record<Family, readonly (readonly number[])[]>>;

/** Test tasks a family whose embeddings are kept. */
const embeddedTasks = 250;

const embeddingFolder = (results: string): string => join(results, 'embeddings');

/** Beside the result, for methods whose tasks have embeddings. */
export async function writeEmbeddings(
  results: string,
  result: ToyResult,
  tested: Readonly<Record<Family, ToyEvaluationResult>>,
): Promise<void> {
  const width = tested.sinusoid.embeddings.length / result.errors.sinusoid.length;
  if (width === 0) return;
  const embeddings: ToyEmbeddings = byFamily((family) =>
    Array.from({ length: embeddedTasks }, (_, i) =>
      rounded(tested[family].embeddings.subarray(i * width, (i + 1) * width), 3),
    ),
  );
  await writeJson(embeddingFolder(results), fileName(result), embeddings);
}

/** `NAME-SEED`, with the reading between them where it is not the main one: how files of a run are named. */
export function runName(row: string, seed: number, reading: Reading): string {
  const { xStd, query } = reading;
  return isMainReading(reading) ? `${row}-${seed}` : `${row}-x${(xStd ** 2).toFixed(0)}-${query}-${seed}`;
}

const fileName = ({ name, seed, reading }: ToyResult): string => runName(name, seed, reading);

/** All results of a folder, in no particular order. */
export async function readResults(folder: string): Promise<ToyResult[]> {
  return Object.values(await readJsonFolder<KeptResult>(folder)).map(({ errors, best, ...result }) => ({
    ...result,
    errors: withInfinity(errors),
    ...(best ? { best: { ...best, errors: withInfinity(best.errors) } } : {}),
  }));
}

/** JSON has no infinity: the error of a task on which the inner loop left the range of numbers is null in a file. */
type KeptErrors = Readonly<Record<Family, readonly (number | null)[]>>;
type KeptResult = Omit<ToyResult, 'errors' | 'best'> & {
  readonly errors: KeptErrors;
  readonly best?: Omit<BestTested, 'errors'> & { readonly errors: KeptErrors };
};

const withInfinity = (errors: KeptErrors): ToyResult['errors'] =>
  byFamily((family) => errors[family].map((error) => error ?? Number.POSITIVE_INFINITY));

/** The kept embeddings of a folder's results, by the name of the run. */
export const readEmbeddings = (folder: string): Promise<Record<string, ToyEmbeddings>> =>
  readJsonFolder(embeddingFolder(folder));

/** A short run beside another that differs from it in one thing: those of 10,000 meta-iterations by their name. */
export const isAblation = ({ name }: ToyResult): boolean => /-10k(-|$)/.test(name);

/** Keeps a result as JSON in `folder`. */
export const writeResult = (folder: string, result: ToyResult): Promise<void> =>
  writeJson(folder, fileName(result), result);
