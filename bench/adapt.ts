import { readFile } from 'node:fs/promises';
import { createOnnxExecutor } from '../engine/onnxruntime.ts';
import { adaptTask, noiseSupport } from '../model/adaptation/adapt-task.ts';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { median } from './median.ts';

export interface AdaptPlan {
  readonly way: number;
  readonly shot: number;
  readonly runs: number;
  /** Of the session. */
  readonly threads: number;
}

/** Milliseconds of the first adaptation, which compiles, and the least and the median of the later ones, by stage. */
export interface AdaptTimes {
  readonly first: Readonly<Record<string, number>>;
  readonly least: Readonly<Record<string, number>>;
  readonly median: Readonly<Record<string, number>>;
}

const checkpoint = new URL('../checkpoints/photos.safetensors', import.meta.url);

/** Times `adaptTask` alone, on noise, with the bundled checkpoint's first architecture. */
export async function benchAdapt({ runs, threads, ...shape }: AdaptPlan): Promise<AdaptTimes> {
  const photos = decodeCheckpoint(await readFile(checkpoint));
  const support = noiseSupport(photos, shape);
  const executor = createOnnxExecutor({ provider: 'cpu', threads, cacheSize: 8, memoryPattern: false });
  const options = { steps: photos.configuration.innerLoop.steps, genotype: photos.genotypes[0]! };
  const run = async (): Promise<Readonly<Record<string, number>>> =>
    (await adaptTask(photos, support, options, executor)).timings;
  const first = await run();
  const later: Readonly<Record<string, number>>[] = [];
  for (let i = 0; i < runs; i++) later.push(await run());
  await executor.dispose();
  const over = (summary: (values: number[]) => number): Record<string, number> =>
    Object.fromEntries(Object.keys(first).map((stage) => [stage, summary(later.map((lap) => lap[stage]!))]));
  return { first, least: over((values) => Math.min(...values)), median: over(median) };
}
