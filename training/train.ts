import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { defaultEngine, engineNames } from '../engine/options.ts';
import type { EngineName } from '../engine/options.ts';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { readTrainingConfiguration } from './outer-loop/configuration.ts';
import type { TrainingConfiguration } from './outer-loop/configuration.ts';
import { partOf } from './data/class-splits.ts';
import type { ImageDomain } from './data/domain.ts';
import { readPlanesConfiguration } from './planes/configuration.ts';
import type { PlaneDomain } from './planes/plane-domain.ts';
import { planesOf } from './planes/progress-bar.ts';
import { loadDomains, logDecoding } from './data/domains.ts';
import { progressBar } from './command/progress-bar.ts';
import { RunFolder } from './run/run-folder.ts';
import { totalIterations } from './run/schedule.ts';
import { stopSignal } from './run/stop-signal.ts';
import { Trainer } from './outer-loop/trainer.ts';

const program = new Command('train')
  .description('Meta-trains a checkpoint. Metrics, state and checkpoint are written to runs/NAME.')
  .requiredOption('--config <file>', 'training configuration (YAML)')
  .option('--resume', 'go on from the saved state of runs/NAME, exactly', false)
  .addOption(
    new Option('--overwrite', 'begin anew although runs/NAME has the state of a run')
      .default(false)
      .conflicts('resume'),
  )
  .addOption(
    new Option(
      '--from <checkpoint>',
      'begin with the weights of a checkpoint, at the iteration where it stopped, with new Adam moments',
    ).conflicts('resume'),
  )
  .option('--runs <folder>', 'where runs are kept', 'runs')
  .addOption(
    new Option('--engine <name>', 'what runs the graphs').choices(engineNames).default(defaultEngine),
  );

interface TrainOptions {
  readonly config: string;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly from?: string;
  readonly runs: string;
  readonly engine: EngineName;
}

async function main(): Promise<void> {
  const { config, resume, overwrite, from, runs, engine } = program.parse().opts<TrainOptions>();
  const configuration = await readTrainingConfiguration(config);
  const folder = new RunFolder(resolve(runs, configuration.name));
  if (!resume && !overwrite) await folder.refuseToOverwrite();
  const begin = resume ? 'saved' : from === undefined ? 'new' : decodeCheckpoint(await readFile(from));
  await flushDenormals(); // before any session, so that all workers compute the same bits
  const domains = await domainsOf(configuration, config);
  const trainer = await Trainer.start(configuration, domains, folder, begin, engine);
  const stop = stopSignal();
  const { bar, events } = progressBar(trainer.iteration, totalIterations(configuration));
  await trainer.run(events, undefined, stop);
  bar.stop();
  await trainer.close();
  const done = trainer.iteration === totalIterations(configuration);
  console.log(
    done
      ? `checkpoint: ${folder.checkpointPath}`
      : `stopped at iteration ${trainer.iteration}: --resume goes on`,
  );
}

/**
 * The images of a run: decoded, or the planes that a trunk gives them. Where the run has the stage `classify`, without the
 * training classes that the stage learns.
 */
async function domainsOf(
  configuration: TrainingConfiguration,
  path: string,
): Promise<readonly ImageDomain[] | readonly PlaneDomain[]> {
  const { domains, model, classify } = configuration;
  if (!model.trunk)
    return loadDomains(
      domains.map(({ source }) => source),
      model.image.size,
      logDecoding,
    );
  const planes = await planesOf(await readPlanesConfiguration(path));
  if (!classify) return planes;
  return planes.map((domain, i) => partOf(domain, 'drawn', domains[i]!.classified));
}

await main();
