import { Command } from 'commander';
import { skipOf, strictOption } from './command/arguments.ts';
import { runCommand } from './command/run-command.ts';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { readPlanesConfiguration } from './planes/configuration.ts';
import { rowBytes, rowCount } from './planes/plane-domain.ts';
import { planesOf } from './planes/progress-bar.ts';
import { stopSignal } from './run/stop-signal.ts';

const program = new Command('planes')
  .description(
    "Computes the trunk's planes of all images that a training needs, ahead of it, and keeps them.",
  )
  .requiredOption('--config <file>', 'training configuration (YAML)')
  .addOption(strictOption());

async function main(): Promise<void> {
  const { config, strict } = program.parse().opts<{ config: string; strict: boolean }>();
  const configuration = await readPlanesConfiguration(config);
  await flushDenormals(); // as the trainer does, so that both compute the same bits
  const signal = stopSignal();
  try {
    for (const domain of await planesOf(configuration, signal, skipOf(strict))) {
      const rows = rowCount(domain);
      console.log(`${domain.name}: ${rows} rows, ${((rows * rowBytes(domain)) / 1e9).toFixed(2)} GB`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    console.log('stopped: the same command goes on');
  }
}

await runCommand(main);
