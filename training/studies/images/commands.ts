import { resolve } from 'node:path';
import type { Command } from 'commander';
import { flushDenormals } from '../../../engine/onnxruntime.ts';
import { integerFrom, integersFrom, list } from '../../command/arguments.ts';
import { commit } from '../../run/commit.ts';
import { loadDomains, logDecoding } from '../../data/domains.ts';
import { writeFigures } from '../../report/figures/figure.ts';
import { progressBar } from '../../command/progress-bar.ts';
import { taskProgress } from '../../command/task-progress.ts';
import { RunFolder } from '../../run/run-folder.ts';
import { stopSignal } from '../../run/stop-signal.ts';
import { writeAtomically } from '../../run/write-atomically.ts';
import { runImageRow } from './benchmark.ts';
import type { ImageEvents, ImageRun } from './benchmark.ts';
import { readStudyConfiguration } from './configuration.ts';
import { imageFigures } from './figures/table.ts';
import { imageReport, inOrder } from './report.ts';
import { readEmbeddings, readResults, runName } from './result.ts';
import type { Protocol } from './result.ts';

const integer = integerFrom(1);

/** Of every test: the same tasks for all rows and seeds. */
const protocol: Omit<Protocol, 'tasks'> = { way: 5, shots: [1, 5], query: 15, seed: 2020 };

interface ImageOptions {
  readonly rows: string[];
  readonly seeds: number[];
  readonly workers: number;
  readonly tasks: number;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly branchFrom?: string;
  readonly embeddings: string[];
  readonly floors: string[];
  readonly configurations: string;
  readonly runs: string;
  readonly results: string;
}

/** The image study: its rows and its report. */
export function addImageCommands(program: Command): void {
  program
    .command('images')
    .description(
      'Few-shot images (Tables 2 and 3): trains rows, tests each on the same tasks, keeps the results.',
    )
    .requiredOption('--rows <names>', 'configurations in training/configs/images, comma-separated', list)
    .option('--seeds <list>', 'seeds of the runs, comma-separated', integersFrom(0), [1])
    .option('--workers <n>', 'worker threads', integer, 2)
    .option('--tasks <n>', 'test tasks a domain and shot', integer, 600)
    .option('--resume', 'go on from the saved states, exactly; what is trained is tested again', false)
    .option('--overwrite', 'begin anew although there are saved states', false)
    .option(
      '--branch-from <row>',
      'a trained row whose first stages the rows have, too: they are taken over from its run, to the bit',
    )
    .option('--floors <rows>', 'rows that are tested beside the floors, comma-separated', list, ['maml'])
    .option(
      '--embeddings <rows>',
      'rows whose first seed keeps the embeddings of 1,000 test tasks, comma-separated',
      list,
      ['m-nas', 'm-nas-shared'],
    )
    .option('--configurations <folder>', 'where rows are described', 'training/configs/images')
    .option('--runs <folder>', 'where states and metrics are kept', 'runs/images')
    .option('--results <folder>', 'where results are written', 'docs/results/images')
    .action(runRows);

  program
    .command('images-report')
    .description('Writes docs/results/images.md and its figures from the kept results.')
    .option('--results <folder>', 'where results are kept', 'docs/results/images')
    .option('--out <file>', 'the report', 'docs/results/images.md')
    .action(async ({ results: folder, out }: { readonly results: string; readonly out: string }) => {
      const results = inOrder(await readResults(folder));
      const figures = imageFigures(results, await readEmbeddings(folder));
      await writeFigures(resolve(folder, 'figures'), figures);
      await writeAtomically(out, imageReport(results, figures));
    });
}

async function runRows(options: ImageOptions): Promise<void> {
  const { rows, seeds, workers, tasks, resume, overwrite, results } = options;
  const read = (row: string) => readStudyConfiguration(resolve(options.configurations, `${row}.yaml`));
  const earlier = options.branchFrom === undefined ? undefined : await read(options.branchFrom);
  await flushDenormals(); // before any session, so that all workers compute the same bits
  const stop = stopSignal();
  for (const row of rows) {
    const file = await read(row);
    const sources = file.domains.map(({ source }) => source);
    const domains = await loadDomains(sources, file.model.image.size, logDecoding);
    for (const [i, seed] of seeds.entries()) {
      const configuration = { ...file, seed, workers };
      const folderOf = (name: string) => new RunFolder(resolve(options.runs, runName({ name, seed })));
      const folder = folderOf(row);
      if (!resume && !overwrite) await folder.refuseToOverwrite();
      const embeddings = i === 0 && options.embeddings.includes(row);
      const run = {
        domains,
        folder,
        results,
        resume,
        commit: commit(),
        embeddings,
        floors: options.floors.includes(row),
        ...(earlier
          ? { earlier: { configuration: { ...earlier, seed }, folder: folderOf(earlier.name) } }
          : {}),
      };
      await folder.alone(() =>
        runWithProgress(configuration, { ...run, protocol: { ...protocol, tasks } }, stop),
      );
      if (stop.aborted) return;
    }
  }
}

async function runWithProgress(
  configuration: Parameters<typeof runImageRow>[0],
  run: ImageRun,
  signal: AbortSignal,
): Promise<void> {
  const { bar, events } = progressBar(0, configuration);
  const all: ImageEvents = {
    ...events,
    candidate: (measured, nodes, accuracy) =>
      process.stderr.write(
        `cell ${measured}, of ${nodes} nodes: ${(100 * accuracy).toFixed(1)} % of validation queries\n`,
      ),
    trained: () => bar.stop(),
    tested: taskProgress('test tasks', 20),
  };
  const result = await runImageRow(configuration, run, all, signal).finally(() => bar.stop());
  process.stderr.write('\n');
  console.log(
    result
      ? `${runName(result)}: ${resolve(run.results, `${runName(result)}.json`)}`
      : `${runName(configuration)} stopped: --resume goes on`,
  );
}
