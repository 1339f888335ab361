import type { WorkerPool } from '../engine/pool.ts';
import type { TrainingConfiguration } from './configuration.ts';
import { taskShape } from './jobs.ts';
import type { GradientPayload, GradientResult } from './jobs.ts';

/** The gradients of a meta-batch in the order of its tasks; large tasks start first, so that no worker idles long. */
export async function metaBatchGradients(
  pool: WorkerPool,
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
    const request: GradientPayload = { ...payload, task };
    results[task] = (await pool.run('gradient', request)) as GradientResult;
  };
  await Promise.all(sizes.sort((a, b) => b.support - a.support).map(({ task }) => run(task)));
  return results;
}

/** The elementwise mean, summed in the given order: the same for any number of workers. */
export function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]!.length);
  const share = 1 / vectors.length;
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i]! += share * vector[i]!;
  return mean;
}

/** The Euclidean norm; a plain loop, since `reduce` takes ten times as long for a million numbers. */
export function normOf(vector: Float32Array): number {
  let total = 0;
  for (let i = 0; i < vector.length; i++) total += vector[i]! * vector[i]!;
  return Math.sqrt(total);
}
