import type { WorkerPool } from '../../engine/pool.ts';
import type { TrainingConfiguration } from './configuration.ts';
import type { TrainingJobs } from './training-jobs.ts';
import { taskShape } from './gradient-job.ts';
import type { GradientPayload, GradientResult } from './gradient-job.ts';

/** Most tasks of one outer step. */
export const largestMetaBatch = ({ metaBatch, stages }: TrainingConfiguration): number =>
  Math.max(...stages.map((stage) => stage.metaBatch ?? metaBatch));

/**
 * Has the gradients of a meta-batch written, and gives what is told of its tasks in their order; large tasks start
 * first, so that no worker idles long.
 */
export async function metaBatchGradients(
  pool: WorkerPool<TrainingJobs>,
  { seed, metaBatch }: TrainingConfiguration,
  payload: Omit<GradientPayload, 'task'>,
): Promise<GradientResult[]> {
  const length = payload.stage.metaBatch ?? metaBatch;
  const sizes = Array.from({ length }, (_, task) => {
    const { way, shot } = taskShape(seed, payload.iteration, task, payload.stage);
    return { task, support: way * shot };
  });
  const results: GradientResult[] = [];
  const run = async (task: number): Promise<void> => {
    results[task] = await pool.run('gradient', { ...payload, task });
  };
  await Promise.all(sizes.sort((a, b) => b.support - a.support).map(({ task }) => run(task)));
  return results;
}

/** The elementwise mean, written to `mean`; summed in the given order: the same for any number of workers. */
export function meanInto(mean: Float32Array, vectors: readonly Float32Array[]): void {
  const share = 1 / vectors.length;
  mean.fill(0);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += share * vector[i]!;
}

/** The Euclidean norm; a plain loop, since `reduce` takes ten times as long for a million numbers. */
export function normOf(vector: Float32Array): number {
  let total = 0;
  for (let i = 0; i < vector.length; i++) total += vector[i]! * vector[i]!;
  return Math.sqrt(total);
}
