import { Command } from 'commander';
import { z } from 'zod';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { planesFolder, preparePlanes } from './planes/compute-planes.ts';
import { readPlanesConfiguration } from './planes/configuration.ts';
import { rowBytes, rowCount } from './planes/plane-domain.ts';
import { planesBar } from './planes/progress-bar.ts';
import { stopSignal } from './run/stop-signal.ts';

const program = new Command('planes')
  .description(
    "Computes the trunk's planes of all images that a training needs, ahead of it, and keeps them.",
  )
  .requiredOption('--config <file>', 'training configuration (YAML)');

async function main(): Promise<void> {
  const { config } = program.parse().opts<{ config: string }>();
  const configuration = await readPlanesConfiguration(config);
  await flushDenormals(); // as the trainer does, so that both compute the same bits
  const signal = stopSignal();
  const { progress, stop } = planesBar();
  try {
    const domains = await preparePlanes(configuration, { cacheFolder: planesFolder, progress, signal });
    stop();
    for (const domain of domains) {
      const rows = rowCount(domain);
      console.log(`${domain.name}: ${rows} rows, ${((rows * rowBytes(domain)) / 1e9).toFixed(2)} GB`);
    }
  } catch (error) {
    stop();
    if (!signal.aborted) throw error;
    console.log('stopped: the same command goes on');
  }
}

try {
  await main();
} catch (error) {
  // mistakes of a configuration and of its files: their messages say what to do
  if (error instanceof z.ZodError) console.error(z.prettifyError(error));
  else console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
