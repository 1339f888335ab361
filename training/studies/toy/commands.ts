import { resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { flushDenormals } from '../../../engine/onnxruntime.ts';
import { defaultEngine, engineNames } from '../../../engine/options.ts';
import type { EngineName } from '../../../engine/options.ts';
import { integerFrom, integersFrom, list } from '../../command/arguments.ts';
import { commit } from '../../run/commit.ts';
import { writeFigures } from '../../report/figures/figure.ts';
import { RunFolder } from '../../run/run-folder.ts';
import { totalIterations } from '../../run/schedule.ts';
import { stopSignal } from '../../run/stop-signal.ts';
import { writeAtomically } from '../../run/write-atomically.ts';
import { runOracles, runRow } from './benchmark.ts';
import type { ToyRun } from './benchmark.ts';
import { readToyConfiguration } from './configuration.ts';
import { mainReading } from './families.ts';
import type { Reading } from './families.ts';
import { toyFigures } from './figures/table.ts';
import { inOrder, toyReport } from './report.ts';
import { readEmbeddings, readResults, runName } from './result.ts';

interface ToyOptions {
  readonly rows: string[];
  readonly seeds: number[];
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly runs: string;
  readonly results: string;
  readonly workers: number;
  readonly engine: EngineName;
}

/** What the paper leaves open, as options; a reading as configured where they are absent. */
interface ReadingOptions {
  readonly xVariance?: string;
  readonly query?: string;
}

function readingOf({ xVariance, query }: ReadingOptions, configured: Reading): Reading {
  if (query !== undefined && query !== 'same' && query !== 'uniform')
    throw new InvalidArgumentError('--query is same or uniform');
  const variance = Number(xVariance ?? 1);
  if (!(variance > 0)) throw new InvalidArgumentError('--x-variance is a positive number');
  return {
    xStd: xVariance === undefined ? configured.xStd : Math.sqrt(variance),
    query: query ?? configured.query,
  };
}

/** The toy regression of the paper: its rows, its oracles and its report. */
export function addToyCommands(program: Command): void {
  program
    .command('toy')
    .description(
      'Toy regression (Table 1): trains rows, tests each on 1,000 tasks a family, keeps the results.',
    )
    .requiredOption('--rows <names>', 'configurations in training/configs/toy, comma-separated', list)
    .option('--seeds <list>', 'seeds of the runs, comma-separated', integersFrom(0), [1])
    .option('--workers <n>', 'worker threads', integerFrom(1), 2)
    .addOption(
      new Option('--engine <name>', 'what runs the graphs').choices(engineNames).default(defaultEngine),
    )
    .option('--x-variance <n>', 'variance of x around its centre: 2 or 4 (default: as configured)')
    .option('--query <where>', 'query points: same or uniform (default: as configured)')
    .option('--resume', 'go on from the saved states, exactly', false)
    .option('--overwrite', 'begin anew although there are saved states', false)
    .option('--runs <folder>', 'where states and metrics are kept', 'runs/toy')
    .option('--results <folder>', 'where results are written', 'docs/results/toy')
    .action(async (options: ToyOptions & ReadingOptions) => {
      const { rows, seeds, resume, overwrite, runs, results, workers, engine } = options;
      await flushDenormals();
      const stop = stopSignal();
      for (const row of rows) {
        const file = await readToyConfiguration(resolve('training/configs/toy', `${row}.yaml`));
        for (const seed of seeds) {
          const reading = readingOf(options, file.reading);
          const configuration = { ...file, seed, reading, workers };
          const folder = new RunFolder(resolve(runs, runName(row, seed, reading)));
          if (!resume && !overwrite) await folder.refuseToOverwrite();
          await folder.alone(() =>
            runWithProgress(configuration, { folder, results }, { resume, engine }, stop),
          );
          if (stop.aborted) return;
        }
      }
    });

  program
    .command('toy-oracles')
    .description('The rows of Table 1 that learn nothing from other tasks.')
    .option('--results <folder>', 'where results are written', 'docs/results/toy')
    .option('--x-variance <n>', 'variance of x around its centre: 2 or 4', '2')
    .option('--query <where>', 'query points: same or uniform', 'same')
    .action(async (options: Pick<ToyOptions, 'results'> & ReadingOptions) => {
      const reading = readingOf(options, mainReading);
      await runOracles(reading, { support: 10, query: 10 }, options.results, commit());
    });

  program
    .command('toy-report')
    .description('Writes docs/results/toy.md and its figures from the kept results.')
    .option('--results <folder>', 'where results are kept', 'docs/results/toy')
    .option('--out <file>', 'the report', 'docs/results/toy.md')
    .action(async ({ results: folder, out }: { readonly results: string; readonly out: string }) => {
      const results = inOrder(await readResults(folder));
      const figures = toyFigures(results, await readEmbeddings(folder));
      await writeFigures(resolve(folder, 'figures'), figures);
      await writeAtomically(out, toyReport(results, figures));
    });
}

async function runWithProgress(
  configuration: Parameters<typeof runRow>[0],
  folders: Parameters<typeof runRow>[1],
  run: Pick<ToyRun, 'resume' | 'engine'>,
  signal: AbortSignal,
): Promise<void> {
  const bar = new SingleBar({
    format: `{bar} ${configuration.name} {value}/{total} {stage} | error {error} | {pace} ms/it | ETA {eta_formatted} | val {validation}`,
    noTTYOutput: true,
    notTTYSchedule: 30_000,
    etaBuffer: 200,
  });
  let error = Number.NaN;
  const result = await runRow(
    configuration,
    folders,
    { ...run, commit: commit() },
    {
      started: (engine) => {
        console.log(`engine: ${engine}`);
        bar.start(totalIterations(configuration), 0, { stage: '', error: '-', pace: '-', validation: '-' });
      },
      iteration: (metrics) => {
        const { error: latest } = metrics;
        if (latest !== null) error = Number.isNaN(error) ? latest : 0.99 * error + 0.01 * latest;
        bar.update(metrics.iteration, {
          stage: metrics.stage,
          error: error.toFixed(3),
          pace: (1000 * metrics.seconds).toFixed(0),
        });
      },
      validation: (_, errors) =>
        bar.update({
          validation: Object.entries(errors)
            .map(([family, value]) => `${family} ${value.toFixed(2)}`)
            .join(' '),
        }),
    },
    signal,
  );
  bar.stop();
  if (!result) return;
  const means = Object.entries(result.errors).map(
    ([family, errors]) => [family, errors.reduce((a, b) => a + b, 0) / errors.length] as const,
  );
  const average = means.reduce((total, [, mean]) => total + mean, 0) / means.length;
  console.log(
    `${result.name} ${result.seed}: average ${average.toFixed(3)}; ${means.map(([family, mean]) => `${family} ${mean.toFixed(3)}`).join(', ')}`,
  );
}
