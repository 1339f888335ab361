import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunFolder } from '../training/run/run-folder.ts';
import { readToyConfiguration } from '../training/studies/toy/configuration.ts';
import { ToyTrainer } from '../training/studies/toy/trainer.ts';
import { median } from './median.ts';

export interface ToyPlan {
  /** A configuration of training/configs/toy. */
  readonly row: string;
  readonly workers: number;
  /** Measured, after as many that are not. */
  readonly iterations: number;
}

/** Milliseconds of a meta-iteration at the beginning of a run. */
export interface ToyTimes extends ToyPlan {
  readonly least: number;
  readonly median: number;
  readonly mean: number;
}

/** Times meta-iterations of a row of the toy regression: 25 tasks, their gradients, the outer step. */
export async function benchToy(plan: ToyPlan): Promise<ToyTimes> {
  const { row, workers, iterations } = plan;
  const path = fileURLToPath(new URL(`../training/configs/toy/${row}.yaml`, import.meta.url));
  const configuration = { ...(await readToyConfiguration(path)), workers };
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-bench-'));
  const trainer = await ToyTrainer.start(configuration, new RunFolder(folder), 'new');
  const times: number[] = [];
  try {
    await trainer.run({ iteration: ({ seconds }) => times.push(1000 * seconds) }, 2 * iterations);
  } finally {
    await trainer.close();
    await rm(folder, { recursive: true });
  }
  const own = times.slice(iterations);
  const mean = own.reduce((sum, time) => sum + time, 0) / own.length;
  return { ...plan, least: Math.min(...own), median: median(own), mean };
}
