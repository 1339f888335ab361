import { PoolClosedError, QueueFullError } from '../engine/errors.ts';
import type { WorkerPool } from '../engine/pool.ts';
import { ServiceError } from './errors.ts';
import type { Adaptation, CheckpointInfo, TaskAdapter, Toolchain } from './ports.ts';

/** The adapter over worker threads that run `jobs.ts`. */
export function createPoolAdapter(
  pool: Pick<WorkerPool, 'run'>,
  checkpoints: readonly CheckpointInfo[],
  toolchain: Toolchain,
): TaskAdapter {
  const run = async (job: 'adapt' | 'predict', payload: unknown, signal: AbortSignal): Promise<unknown> => {
    try {
      return await pool.run(job, payload, { signal });
    } catch (error) {
      if (error instanceof QueueFullError) throw new ServiceError('overloaded', { cause: error });
      if (error instanceof PoolClosedError) throw new ServiceError('not-ready', { cause: error });
      throw error;
    }
  };
  return {
    checkpoints,
    toolchain,
    adapt: async (request, signal) => (await run('adapt', request, signal)) as Adaptation,
    predict: async (request, signal) => (await run('predict', request, signal)) as Float32Array[],
  };
}
