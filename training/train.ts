import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { choiceOf, defaultEngine, engineNames, providers } from '../engine/options.ts';
import type { EngineChoice, EngineName } from '../engine/options.ts';
import { probe } from '../engine/sessions.ts';
import type { Provider } from '../engine/sessions.ts';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import { redisUrl } from './cluster/address.ts';
import type { ClusteredRun, ClusterTrainer } from './cluster/cluster-trainer.ts';
import { integerFrom, skipOf, strictOption } from './command/arguments.ts';
import { classTable } from './command/class-table.ts';
import { progressBar, teachingBar } from './command/progress-bar.ts';
import { runCommand } from './command/run-command.ts';
import { taskProgress } from './command/task-progress.ts';
import { readTrainingConfiguration } from './outer-loop/configuration.ts';
import type { TrainingConfiguration } from './outer-loop/configuration.ts';
import type { ImageDomain } from './data/domain.ts';
import type { PlaneDomain } from './planes/plane-domain.ts';
import { cautionOf, compare, comparisonTable, verdict } from './own-images/comparison.ts';
import type { Compared } from './own-images/comparison.ts';
import { withPossibleShapes } from './own-images/configuration.ts';
import { withTaughtCells } from './own-images/taught-cells.ts';
import { planOwnImages } from './own-images/plan.ts';
import { servingCommand, servingLine } from './own-images/served.ts';
import { RunFolder } from './run/run-folder.ts';
import { withoutTilde } from './run/paths.ts';
import { readCheckpoint } from './run/read-checkpoint.ts';
import { totalIterations } from './run/schedule.ts';
import { stoppedStatus, stopSignal } from './run/stop-signal.ts';
import { writeAtomically } from './run/write-atomically.ts';
import { beginningOf, fineTuning } from './outer-loop/fine-tuning.ts';
import { imagesOf } from './outer-loop/run-images.ts';
import type { RunImages } from './outer-loop/run-images.ts';
import type { Spread } from './outer-loop/spread.ts';
import { Trainer } from './outer-loop/trainer.ts';

const program = new Command('train')
  .description(
    'Meta-trains a checkpoint, or fine-tunes one on own images. Metrics, state and checkpoint are written to runs/NAME.',
  )
  .option('--config <file>', 'training configuration (YAML)')
  .addOption(
    new Option(
      '--images <folder>',
      'instead: fine-tunes a checkpoint on a folder of images, with a folder a class (or one level more: domain/class)',
    ).conflicts('config'),
  )
  .option(
    '--from <checkpoint>',
    'fine-tunes this checkpoint; with --images the bundled default where it is not said. A checkpoint of the same run goes on where it stopped',
  )
  .option('--iterations <n>', 'iterations of the fine-tuning', integerFrom(1))
  .option('--name <name>', "with --images: of the run and its checkpoint; the folder's by default")
  .option('--no-mirror', 'with --images: what the images show differs from its mirror image, as writing does')
  .option('--resume', 'the same command goes on from the saved state of runs/NAME, exactly', false)
  .addOption(
    new Option('--overwrite', 'begin anew although runs/NAME has the state of a run')
      .default(false)
      .conflicts('resume'),
  )
  .option(
    '--cluster <redis>',
    'shares the meta-batches out to machines that run `npm run train-worker -- REDIS`; needs a Redis (redis://HOST:PORT)',
    redisUrl,
  )
  .option('--await <n>', 'with --cluster: begins once so many other machines take part', integerFrom(1))
  .addOption(strictOption())
  .option('--runs <folder>', 'where runs are kept', 'runs')
  .addOption(
    new Option('--engine <name>', 'what runs the graphs').choices(engineNames).default(defaultEngine),
  )
  .addOption(
    new Option('--provider <name>', 'where onnxruntime runs the graphs; a GPU needs its driver (docs/gpu.md)')
      .choices(providers)
      .default('cpu'),
  );

interface TrainOptions {
  readonly config?: string;
  readonly images?: string;
  readonly from?: string;
  readonly iterations?: number;
  readonly name?: string;
  readonly mirror: boolean;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly cluster?: string;
  readonly await?: number;
  readonly strict: boolean;
  readonly runs: string;
  readonly engine: EngineName;
  readonly provider: Provider;
}

/** What is trained, and what it begins with. */
interface Plan {
  readonly configuration: TrainingConfiguration;
  /** Where the run does not begin with new weights. */
  readonly checkpoint: Checkpoint | undefined;
  /** The checkpoint that the result is compared with, where the images are a folder of the user's. */
  readonly before: Checkpoint | undefined;
}

async function main(): Promise<void> {
  const options = program.parse().opts<TrainOptions>();
  const { resume, overwrite, runs, provider } = options;
  const engine = choiceOf(options.engine, provider);
  const plan = await planOf(options);
  const folder = new RunFolder(resolve(withoutTilde(runs), plan.configuration.name));
  if (!resume && !overwrite) await folder.refuseToOverwrite();
  await flushDenormals(); // before any session, so that all workers compute the same bits
  await probe({ provider, threads: 1, cacheSize: 1 }); // before images are read
  const stop = stopSignal();
  const images = await imagesOf(plan.configuration, stop, skipOf(options.strict)).catch((error: unknown) => {
    if (!stop.aborted) throw error;
    tellStopped(stop, 'stopped: the same command goes on');
    return undefined;
  });
  if (!images) return;
  console.log(classTable(images.domains));
  await folder.alone(() => trainIn(folder, plan, { images, engine }, options, stop));
}

/** Trains in a folder, and tells what came of it. */
async function trainIn(
  folder: RunFolder,
  plan: Plan,
  { images, engine }: { readonly images: RunImages; readonly engine: EngineChoice },
  options: TrainOptions,
  stop: AbortSignal,
): Promise<void> {
  const { domains, drawn } = images;
  const configuration = plan.before ? withPossibleShapes(plan.configuration, drawn) : plan.configuration;
  const begin = await beginningWith(plan, images, folder, options.resume, stop);
  if (begin === 'stopped') return;
  const total = totalIterations(configuration);
  const cluster = await clusterOf({ configuration, domains: drawn, engine }, options, stop);
  let trainer: Trainer | undefined;
  try {
    trainer = await Trainer.start(configuration, drawn, folder, begin, engine, cluster?.spread);
    await writeAtomically(resolve(folder.path, 'configuration.yaml'), stringify(configuration));
    const { bar, events } = progressBar(trainer.iteration, configuration);
    await trainer.run(events, undefined, stop).finally(() => bar.stop());
  } finally {
    await trainer?.close();
    await cluster?.close(trainer?.iteration === total);
  }
  if (trainer.iteration < total) {
    tellStopped(stop, `stopped at iteration ${trainer.iteration}: the same command with --resume goes on`);
    return;
  }
  console.log(`checkpoint: ${relative('', folder.checkpointPath)}`);
  const compared =
    plan.before && (await tellGain(trainer.checkpoint(), plan.before, domains, configuration.workers));
  if (configuration.model.network.kind !== 'cells') return;
  const line = servingLine(await servingCommand(folder, configuration.name), compared);
  if (line !== undefined) console.log(line);
}

/** Says how a run that is not through goes on; the exit status tells that it is not. */
function tellStopped(stop: AbortSignal, text: string): void {
  console.log(text);
  process.exitCode = stoppedStatus(stop);
}

/** Other machines, where the command line names a Redis; what goes wrong with them is told above the bar. */
async function clusterOf(
  run: ClusteredRun,
  { cluster: url, await: wanted = 0, provider }: TrainOptions,
  stop: AbortSignal,
): Promise<(Pick<ClusterTrainer, 'close'> & { readonly spread: Spread }) | undefined> {
  if (url === undefined) {
    if (wanted > 0) throw new Error('--await is of --cluster');
    return undefined;
  }
  // machines prove by their CPU that they give the same bits
  if (provider !== 'cpu')
    throw new Error('--cluster is of --provider cpu: GPUs round each in a way of its own');
  const { ClusterTrainer } = await import('./cluster/cluster-trainer.ts');
  const cluster = await ClusterTrainer.open(url, run, (text) => console.error(text));
  console.log(`cluster: ${run.configuration.name} is announced to machines`);
  try {
    while (!stop.aborted && (await cluster.hosts()).length < wanted) await pause(500);
  } catch (error) {
    await cluster.close(false);
    throw error;
  }
  return {
    spread: (host, payload, tasks) => cluster.spread(host, payload, tasks),
    close: (ended) => cluster.close(ended),
  };
}

/** @throws Error of one or two lines that says what the command line or a file must have otherwise */
async function planOf(options: TrainOptions): Promise<Plan> {
  const { config, images, from, iterations, name, mirror } = options;
  if (images !== undefined) {
    const own = await planOwnImages({ ...options, images, workers: availableParallelism() });
    for (const warning of own.survey.warnings) console.error(warning);
    if (own.survey.domains.some(({ heldOut }) => heldOut === 'images'))
      console.log(
        'Fewer than ten classes: images of the same classes are held out. So the test says nothing of new classes.',
      );
    console.log(`fine-tuning ${own.checkpoint.id} for ${totalIterations(own.configuration)} iterations`);
    return own;
  }
  if (config === undefined)
    throw new Error('give --config FILE (training/configs/), or --images FOLDER with a folder a class');
  if (name !== undefined || !mirror)
    throw new Error(
      `--name and --no-mirror are of --images; ${config} says both (name, domains[].views.mirror)`,
    );
  const configuration = await readTrainingConfiguration(config);
  const checkpoint = from === undefined ? undefined : await readCheckpoint(from);
  const beginning = checkpoint && beginningOf(configuration, checkpoint);
  if (iterations !== undefined && beginning !== 'fine-tuned')
    throw new Error(
      `--iterations is of fine-tuning, with --images or --from; the iterations of this run are those of its stages in ${config}`,
    );
  if (!checkpoint || beginning !== 'fine-tuned') return { configuration, checkpoint, before: undefined };
  const tuned = fineTuning(configuration, checkpoint, iterations);
  console.log(`fine-tuning ${checkpoint.id} for ${totalIterations(tuned)} iterations of the last stage`);
  return { configuration: tuned, checkpoint, before: undefined };
}

/** What the trainer begins with: of own images on a trunk a checkpoint whose cells have learned their classes first. */
async function beginningWith(
  { configuration, checkpoint, before }: Plan,
  { planes }: RunImages,
  folder: RunFolder,
  resume: boolean,
  signal: AbortSignal,
): Promise<'new' | 'saved' | 'stopped' | Checkpoint> {
  const { classify } = configuration;
  const teaches = before && checkpoint && classify && planes;
  if (!teaches || (resume && (await folder.has()))) return resume ? 'saved' : (checkpoint ?? 'new');
  const { bar, progress } = teachingBar(classify.iterations);
  const teaching = { from: resume ? 'saved' : 'new', signal, progress } as const;
  try {
    const taught = await withTaughtCells(checkpoint, configuration, planes, folder, teaching);
    if (taught) return taught;
  } finally {
    bar.stop();
  }
  tellStopped(signal, 'stopped while the cells were taught: the same command with --resume goes on');
  return 'stopped';
}

/** Tests the fine-tuned checkpoint and the one before on the same held-out tasks. */
async function tellGain(
  bytes: Uint8Array,
  before: Checkpoint,
  domains: readonly ImageDomain[] | readonly PlaneDomain[],
  workers: number,
): Promise<Compared[]> {
  const after = decodeCheckpoint(bytes);
  const progress = taskProgress('test tasks', 20);
  const protocol = { way: 5, shots: [1, 5], query: 15, tasks: 100, seed: 2020, workers, progress };
  const compared = await compare(after, before, domains, protocol);
  process.stderr.write('\n');
  console.log(comparisonTable(compared, before.id, after.id));
  console.log(verdict(compared, before.id, after.id));
  const caution = cautionOf(domains);
  if (caution !== undefined) console.log(caution);
  return compared;
}

await runCommand(main);
