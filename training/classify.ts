import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { stateFile } from './classify/classify-state.ts';
import { ClassifyTrainer } from './classify/classify-trainer.ts';
import { readClassifyConfiguration } from './classify/configuration.ts';
import type { ClassifyConfiguration } from './classify/configuration.ts';
import { skipOf, strictOption } from './command/arguments.ts';
import { runCommand } from './command/run-command.ts';
import { classifiedDomains } from './classify/domains.ts';
import type { ClassifiedDomain } from './classify/samples.ts';
import { duration } from './run/duration.ts';
import { RunFolder } from './run/run-folder.ts';
import { withoutTilde } from './run/paths.ts';
import { stopSignal } from './run/stop-signal.ts';

const program = new Command('classify')
  .description(
    'Trains cells to tell all training classes apart, on a trunk or behind a stem that becomes one: the first stage of a run.',
  )
  .requiredOption('--config <file>', 'training configuration (YAML)')
  .option('--resume', 'go on from the saved state of runs/NAME, exactly', false)
  .addOption(
    new Option('--overwrite', 'begin anew although runs/NAME has the state of the stage')
      .default(false)
      .conflicts('resume'),
  )
  .addOption(strictOption())
  .option('--runs <folder>', 'where runs are kept', 'runs');

interface ClassifyOptions {
  readonly config: string;
  readonly resume: boolean;
  readonly overwrite: boolean;
  readonly strict: boolean;
  readonly runs: string;
}

async function main(): Promise<void> {
  const { config, resume, overwrite, strict, runs } = program.parse().opts<ClassifyOptions>();
  const configuration = await readClassifyConfiguration(config);
  const folder = new RunFolder(resolve(withoutTilde(runs), configuration.name));
  if (!resume && !overwrite) await folder.refuseToOverwrite(stateFile);
  await flushDenormals();
  const signal = stopSignal();
  const domains = await classifiedDomains(configuration, signal, skipOf(strict));
  await folder.alone(() => classifyIn(folder, configuration, domains, resume, signal));
}

/** Trains in a folder until the end, or until the signal stops it. */
async function classifyIn(
  folder: RunFolder,
  configuration: ClassifyConfiguration,
  domains: readonly ClassifiedDomain[],
  resume: boolean,
  signal: AbortSignal,
): Promise<void> {
  const trainer = await ClassifyTrainer.start(configuration, domains, folder, resume ? 'saved' : 'new');
  const { iterations } = configuration.classify;
  const { iteration: first } = trainer;
  const started = performance.now();
  try {
    await trainer.run(({ iteration, loss, teaching, seconds }) => {
      if (iteration % 100 !== 0) return;
      const pace = (performance.now() - started) / 1000 / (iteration - first);
      console.log(
        `${iteration}/${iterations} loss ${loss.toFixed(3)} teaching ${teaching.toFixed(4)}, ${duration(seconds)}, ${duration(pace * (iterations - iteration))} left`,
      );
    }, signal);
    if (configuration.stem) {
      const { trunk } = trainer.checkpoint().configuration;
      console.log(`trunk ${trunk!.name} in ${folder.path}: sha256 ${trunk!.sha256}`);
    }
  } finally {
    await trainer.close(); // or its threads keep a failed command from ending
  }
}

await runCommand(main);
