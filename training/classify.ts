import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { ClassifyTrainer, stateFile } from './classify/classify-trainer.ts';
import { readClassifyConfiguration } from './classify/configuration.ts';
import { skipOf, strictOption } from './command/arguments.ts';
import { runCommand } from './command/run-command.ts';
import { readPlanesConfiguration } from './planes/configuration.ts';
import { planesOf } from './planes/progress-bar.ts';
import { duration } from './run/duration.ts';
import { RunFolder } from './run/run-folder.ts';
import { withoutTilde } from './run/paths.ts';
import { stopSignal } from './run/stop-signal.ts';

const program = new Command('classify')
  .description('Trains the cells on a trunk to tell all training classes apart: the first stage of a run.')
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
  const planes = await planesOf(await readPlanesConfiguration(config), signal, skipOf(strict));
  const trainer = await ClassifyTrainer.start(configuration, planes, folder, resume ? 'saved' : 'new');
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
  } finally {
    await trainer.close(); // or its threads keep a failed command from ending
  }
}

await runCommand(main);
