import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { ClassifyTrainer } from './classify/classify-trainer.ts';
import { readClassifyConfiguration } from './classify/configuration.ts';
import { runCommand } from './command/run-command.ts';
import { readPlanesConfiguration } from './planes/configuration.ts';
import { planesOf } from './planes/progress-bar.ts';
import { RunFolder } from './run/run-folder.ts';
import { stopSignal } from './run/stop-signal.ts';

const program = new Command('classify')
  .description('Trains the cells on a trunk to tell all training classes apart: the first stage of a run.')
  .requiredOption('--config <file>', 'training configuration (YAML)')
  .option('--resume', 'go on from the saved state of runs/NAME, exactly', false)
  .addOption(new Option('--overwrite', 'begin anew').default(false).conflicts('resume'))
  .option('--runs <folder>', 'where runs are kept', 'runs');

interface ClassifyOptions {
  readonly config: string;
  readonly resume: boolean;
  readonly runs: string;
}

async function main(): Promise<void> {
  const { config, resume, runs } = program.parse().opts<ClassifyOptions>();
  const configuration = await readClassifyConfiguration(config);
  await flushDenormals();
  const signal = stopSignal();
  const planes = await planesOf(await readPlanesConfiguration(config), signal);
  const folder = new RunFolder(resolve(runs, configuration.name));
  const trainer = await ClassifyTrainer.start(configuration, planes, folder, resume ? 'saved' : 'new');
  const { iterations } = configuration.classify;
  await trainer.run(({ iteration, loss, teaching, seconds }) => {
    if (iteration % 100 !== 0) return;
    const left = (seconds / iteration) * (iterations - iteration);
    console.log(
      `${iteration}/${iterations} loss ${loss.toFixed(3)} teaching ${teaching.toFixed(4)}, ${Math.round(seconds)} s, ${Math.round(left / 60)} min left`,
    );
  }, signal);
  await trainer.close();
}

await runCommand(main);
