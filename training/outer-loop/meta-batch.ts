import { allInOrder } from '../../engine/all-in-order.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import type { Fault } from '../run/divergence.ts';
import { alphaTemperatureAt, entropyWeightAt } from '../run/schedule.ts';
import type { StagePosition } from '../run/schedule.ts';
import type { StageConfiguration, TrainingConfiguration } from './configuration.ts';
import { taskShape } from './gradient-job.ts';
import type { GradientPayload, GradientResult } from './gradient-job.ts';
import { sumAlongTree } from './mean-gradient.ts';
import type { TaskRange } from './mean-gradient.ts';

/** What the tasks of a meta-batch have in common. */
export type BatchPayload = Omit<GradientPayload, 'task'>;

/** Tasks of an outer step of a stage. */
export const metaBatchOf = (
  { metaBatch }: Pick<TrainingConfiguration, 'metaBatch'>,
  stage: Pick<StageConfiguration, 'metaBatch'>,
): number => stage.metaBatch ?? metaBatch;

/** Most tasks of one outer step. */
export const largestMetaBatch = (configuration: TrainingConfiguration): number =>
  Math.max(...configuration.stages.map((stage) => metaBatchOf(configuration, stage)));

/** What the tasks of an iteration have in common: a function of the configuration, but for the architectures so far. */
export function batchPayload(
  { reconstructionWeight, pathDropout }: TrainingConfiguration,
  { iteration, stage, progress }: StagePosition<StageConfiguration>,
  genotypes: readonly Genotype[],
): BatchPayload {
  return {
    iteration,
    stage,
    alphaTemperature: alphaTemperatureAt(stage, progress),
    entropyWeight: entropyWeightAt(stage, progress),
    training: { reconstructionWeight, pathDropout },
    genotypes,
  };
}

/** Workers that compute gradients, whatever else they do. */
interface GradientPool {
  run(job: 'gradient', request: GradientPayload): Promise<GradientResult>;
}

/** What computes gradients on this machine. */
export interface GradientHost {
  readonly pool: GradientPool;
  /** On the memory that the pool's threads share: a vector a position of the meta-batch. */
  readonly gradients: readonly Float32Array[];
  readonly seed: number;
}

/**
 * Has the gradients of a part of a meta-batch computed and summed: the sum lies at the position of its first task. Gives
 * what is told of the tasks in their order. Large tasks start first, so that no thread idles long.
 * @param threads tasks that are computed at a time; all by default, as many as the pool can
 * @param signal once aborted, no further task is begun
 * @throws the signal's reason
 */
export async function computeGradients(
  { pool, gradients, seed }: GradientHost,
  payload: BatchPayload,
  range: TaskRange,
  { threads = range.count, signal }: { readonly threads?: number; readonly signal?: AbortSignal } = {},
): Promise<GradientResult[]> {
  const sizes = Array.from({ length: range.count }, (_, index) => {
    const task = range.first + index;
    const { way, shot } = taskShape(seed, payload.iteration, task, payload.stage);
    return { index, task, support: way * shot };
  });
  const results: GradientResult[] = [];
  const pending = sizes.sort((a, b) => b.support - a.support).values(); // all loops draw from it
  const computeNext = async (): Promise<void> => {
    for (const { index, task } of pending) {
      signal?.throwIfAborted();
      results[index] = await pool.run('gradient', { ...payload, task });
    }
  };
  const loops = Array.from({ length: Math.min(threads, range.count) }, computeNext);
  await allInOrder(loops); // what runs still writes to the memory
  sumAlongTree(gradients, range);
  return results;
}

/** The first task whose loss or gradient is not finite; null where all are, as `norm`, that of their mean, is then. */
export function faultOf(
  results: readonly Pick<GradientResult, 'loss' | 'finite' | 'domain'>[],
  norm: number,
): Fault | null {
  if (Number.isFinite(norm) && results.every(({ loss }) => Number.isFinite(loss))) return null;
  const at = results.findIndex(({ loss, finite }) => !Number.isFinite(loss) || !finite);
  const { domain = '?', loss = norm } = results[at] ?? {};
  return { task: `task ${at} (${domain})`, values: `loss ${loss}` };
}
