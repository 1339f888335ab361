import type { EngineName } from '../../../engine/options.ts';
import { encodeRegressionCheckpoint } from '../../../model/regression/checkpoint.ts';
import type { RunFolder } from '../../run/run-folder.ts';
import { rounded } from '../../report/result-files.ts';
import { engineEntry } from '../../outer-loop/run-identity.ts';
import { countsOf } from '../../report/statistics.ts';
import { writeAtomically } from '../../run/write-atomically.ts';
import { heldOutTasks } from './batch.ts';
import { toyCheckpoint } from './checkpoint.ts';
import type { ToyConfiguration } from './configuration.ts';
import { byFamily } from './families.ts';
import type { Family, Reading, TaskPoints } from './families.ts';
import { shownTasks } from './fits.ts';
import type { ToyEvaluationResult } from './jobs.ts';
import { gaussianProcess, oracleError, parametricLeastSquares } from './oracles.ts';
import { historyOf, writeEmbeddings, writeResult } from './result.ts';
import type { ToyResult } from './result.ts';
import { ToyTrainer } from './trainer.ts';
import type { ToyEvents } from './trainer.ts';

/** Test tasks a family (paper, Table 1). */
const testTasks = 1000;

export interface ToyRun {
  readonly resume: boolean;
  readonly commit: string;
  readonly engine: EngineName;
}

/** Errors of the test tasks as they are kept. */
const errorsOf = (tested: Readonly<Record<Family, ToyEvaluationResult>>): ToyResult['errors'] =>
  byFamily((family) => rounded(tested[family].errors, 6));

/** Trains one row to its end, tests it and writes its result; null when the signal stopped it before. */
export async function runRow(
  configuration: ToyConfiguration,
  { folder, results }: { readonly folder: RunFolder; readonly results: string },
  { resume, commit, engine }: ToyRun,
  events: ToyEvents,
  signal: AbortSignal,
): Promise<ToyResult | null> {
  const trainer = await ToyTrainer.start(configuration, folder, resume ? 'saved' : 'new', engine);
  try {
    await trainer.run(events, undefined, signal);
    if (signal.aborted) return null;
    const tested = await trainer.evaluate('test', testTasks);
    const testedBest = await trainer.atBest(() => trainer.evaluate('test', testTasks));
    const fits = await trainer.fits();
    const shown = shownTasks(configuration);
    const { iteration, seconds, best } = trainer.state;
    const checkpoint = toyCheckpoint(configuration, trainer.state, commit);
    if (checkpoint) await writeAtomically(folder.checkpointPath, encodeRegressionCheckpoint(checkpoint));
    const result: ToyResult = {
      name: configuration.name,
      seed: configuration.seed,
      commit,
      ...engineEntry(engine),
      reading: configuration.reading,
      configuration,
      iterations: iteration,
      seconds: Math.round(seconds),
      ...historyOf(await folder.readMetrics()),
      fits: byFamily((family) => rounded(fits[family], 4)),
      fitRanges: byFamily((family) => shown[family].range),
      errors: errorsOf(tested),
      ...(best && testedBest
        ? { best: { iteration: best.iteration, validation: best.error, errors: errorsOf(testedBest) } }
        : {}),
      genotypes: byFamily((family) => countsOf(tested[family].genotypes)),
    };
    await writeResult(results, result);
    await writeEmbeddings(results, result, tested);
    return result;
  } finally {
    await trainer.close();
  }
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
    const setting = { reading, points };
    const errors = byFamily((family) =>
      rounded(
        heldOutTasks('test', setting, family, 0, testTasks).map((task) => oracleError(oracle, task)),
        6,
      ),
    );
    const shown = shownTasks(setting);
    const fits = byFamily((family) => {
      const { task, grid } = shown[family];
      return rounded(oracle({ ...task, queryX: Float32Array.from(grid) }), 4);
    });
    return {
      name,
      seed: 0,
      commit,
      reading,
      configuration: null,
      iterations: 0,
      seconds: Math.round((performance.now() - started) / 1000),
      skipped: 0,
      curve: [],
      fits,
      fitRanges: byFamily((family) => shown[family].range),
      errors,
      genotypes: byFamily(() => ({})),
    };
  });
  for (const result of results) await writeResult(folder, result);
  return results;
}
