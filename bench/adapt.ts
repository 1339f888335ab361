import { createOnnxExecutor } from '../engine/onnxruntime.ts';
import { adaptTask, noiseSupport } from '../model/adaptation/adapt-task.ts';
import { initialParameters } from '../model/parameters.ts';
import { keyFrom } from '../model/random.ts';
import { parseGenotypeKey } from '../model/search-space/genotype.ts';
import { trainingConfigurationSchema } from '../training/outer-loop/configuration.ts';
import { readConfiguration } from '../training/run/read-configuration.ts';
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

const configurationFile = 'training/configs/images/photos.yaml';
/** The first architecture of the row `photos` of docs/results/images.md. */
const genotype = parseGenotypeKey('0m1S.1S2d.0s1D.0d1m/0s1a.0s2d.1i3D.2S3D');

/**
 * Times `adaptTask` alone, from pixels, on noise: the network of the row `photos`, with weights as they are drawn, which
 * take the time of trained ones.
 */
export async function benchAdapt({ runs, threads, ...shape }: AdaptPlan): Promise<AdaptTimes> {
  const { model: configuration } = await readConfiguration(configurationFile, trainingConfigurationSchema);
  const parameters = initialParameters(configuration, keyFrom(1));
  const photos = { id: 'photos', configuration, parameters, genotypes: [genotype], training: {} };
  const support = noiseSupport(photos, shape);
  const executor = createOnnxExecutor({ provider: 'cpu', threads, cacheSize: 8, memoryPattern: false });
  const options = { steps: photos.configuration.innerLoop.steps, genotype };
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
