import type { Fault } from '../run/divergence.ts';
import type { TrainingConfiguration } from './configuration.ts';
import { taskShape } from './gradient-job.ts';
import type { GradientPayload, GradientResult } from './gradient-job.ts';

/** Most tasks of one outer step. */
export const largestMetaBatch = ({ metaBatch, stages }: TrainingConfiguration): number =>
  Math.max(...stages.map((stage) => stage.metaBatch ?? metaBatch));

/** Workers that compute gradients, whatever else they do. */
interface GradientPool {
  run(job: 'gradient', request: GradientPayload): Promise<GradientResult>;
}

/**
 * Has the gradients of a meta-batch written, and gives what is told of its tasks in their order; large tasks start
 * first, so that no worker idles long.
 */
export async function metaBatchGradients(
  pool: GradientPool,
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

/** The first task whose loss or gradient is not finite; null where all are, as `norm`, that of their mean, is then. */
export function faultOf(
  results: readonly Pick<GradientResult, 'loss' | 'domain'>[],
  gradients: readonly Float32Array[],
  norm: number,
): Fault | null {
  if (Number.isFinite(norm) && results.every(({ loss }) => Number.isFinite(loss))) return null;
  const at = results.findIndex(
    ({ loss }, i) => !Number.isFinite(loss) || !gradients[i]!.every(Number.isFinite),
  );
  const { domain = '?', loss = norm } = results[at] ?? {};
  return { task: `task ${at} (${domain})`, values: `loss ${loss}` };
}
