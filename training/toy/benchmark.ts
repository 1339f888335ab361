import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ToyConfiguration } from './configuration.ts';
import { families } from './families.ts';
import type { Family, Reading, TaskPoints } from './families.ts';
import { heldOutTasks } from './batch.ts';
import type { ToyEvaluationResult } from './jobs.ts';
import { gaussianProcess, oracleError, parametricLeastSquares } from './oracles.ts';
import { countsOf } from '../statistics.ts';
import { writeAtomically } from '../write-atomically.ts';
import type { RunFolder } from '../run-folder.ts';
import { ToyTrainer } from './trainer.ts';
import type { ToyEvents } from './trainer.ts';

/** Test tasks a family (paper, Table 1). */
const testTasks = 1000;

export interface ToyResult {
  readonly name: string;
  readonly seed: number;
  readonly commit: string;
  readonly reading: Reading;
  /** null for an oracle, which is not trained */
  readonly configuration: ToyConfiguration | null;
  readonly iterations: number;
  /** of training steps */
  readonly seconds: number;
  /** Mean squared error of each test task, in the order of the tasks, which all rows of a reading share. */
  readonly errors: Readonly<Record<Family, readonly number[]>>;
  /** How many test tasks of each family decode to each architecture. */
  readonly genotypes: Readonly<Record<Family, Readonly<Record<string, number>>>>;
}

const byFamily = <T>(of: (family: Family) => T): Record<Family, T> =>
  Object.fromEntries(families.map((family) => [family, of(family)])) as Record<Family, T>;

/** Trains one row to its end, tests it and writes its result; null when the signal stopped it before. */
export async function runRow(
  configuration: ToyConfiguration,
  { folder, results }: { readonly folder: RunFolder; readonly results: string },
  { resume, commit }: { readonly resume: boolean; readonly commit: string },
  events: ToyEvents,
  signal: AbortSignal,
): Promise<ToyResult | null> {
  const trainer = await ToyTrainer.start(configuration, folder, resume ? 'saved' : 'new');
  try {
    await trainer.run(events, undefined, signal);
    if (signal.aborted) return null;
    const tested: Record<Family, ToyEvaluationResult> = await trainer.evaluate('test', testTasks);
    const { iteration, seconds } = trainer.state;
    const result: ToyResult = {
      name: configuration.name,
      seed: configuration.seed,
      commit,
      reading: configuration.reading,
      configuration,
      iterations: iteration,
      seconds: Math.round(seconds),
      errors: byFamily((family) =>
        Array.from(tested[family].errors, (error) => Number(error.toPrecision(6))),
      ),
      genotypes: byFamily((family) => countsOf(tested[family].genotypes)),
    };
    await writeResult(results, result);
    return result;
  } finally {
    await trainer.close();
  }
}

async function writeResult(folder: string, result: ToyResult): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeAtomically(resolve(folder, `${result.name}-${result.seed}.json`), `${JSON.stringify(result)}\n`);
}

const oracles = { 'gaussian-process': gaussianProcess, 'least-squares': parametricLeastSquares } as const;

/** The rows that learn nothing from other tasks, on the same test tasks. */
export async function runOracles(
  reading: Reading,
  points: TaskPoints,
  folder: string,
  commit: string,
): Promise<ToyResult[]> {
  const results = Object.entries(oracles).map(([name, oracle]): ToyResult => {
    const started = performance.now();
    const errors = byFamily((family) =>
      heldOutTasks('test', { reading, points }, family, 0, testTasks).map((task) =>
        Number(oracleError(oracle, task).toPrecision(6)),
      ),
    );
    return {
      name,
      seed: 0,
      commit,
      reading,
      configuration: null,
      iterations: 0,
      seconds: Math.round((performance.now() - started) / 1000),
      errors,
      genotypes: byFamily(() => ({})),
    };
  });
  for (const result of results) await writeResult(folder, result);
  return results;
}
