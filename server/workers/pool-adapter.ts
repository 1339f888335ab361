import { JobError, PoolClosedError, QueueFullError } from '../../engine/errors.ts';
import type { JobOptions, WorkerPool } from '../../engine/pool.ts';
import type { TensorValue } from '../../model/graph/executor.ts';
import type { AdaptedRegression } from '../../model/regression/adapt.ts';
import { ServiceError } from '../errors/errors.ts';
import type {
  AdaptationReport,
  AdaptedImages,
  CheckpointInfo,
  PredictedImages,
  TaskAdapter,
  Toolchain,
  Watcher,
} from '../ports.ts';

/** A job of `jobs.ts` that a request waits for. */
type RequestJob =
  'adaptImages' | 'adaptRegression' | 'predictImages' | 'predictRegression' | 'infer' | 'drawCells';

/** The adapter over worker threads that run `jobs.ts`. */
export function createPoolAdapter(
  pool: Pick<WorkerPool, 'run'>,
  checkpoints: readonly CheckpointInfo[],
  toolchain: Toolchain,
): TaskAdapter {
  const run = async (job: RequestJob, payload: unknown, options: JobOptions): Promise<unknown> => {
    try {
      return await pool.run(job, payload, options);
    } catch (error) {
      if (error instanceof QueueFullError) throw new ServiceError('overloaded', { cause: error });
      if (error instanceof PoolClosedError) throw new ServiceError('not-ready', { cause: error });
      if (error instanceof JobError && error.code === 'NOT_ADAPTABLE')
        throw new ServiceError('not-adaptable', { cause: error });
      throw error;
    }
  };
  return {
    checkpoints,
    toolchain,
    adaptImages: async (request, watcher) =>
      (await run('adaptImages', request, watched(watcher))) as AdaptedImages,
    adaptRegression: async (request, watcher) =>
      (await run('adaptRegression', request, watched(watcher))) as AdaptedRegression,
    predictImages: async (request, signal) =>
      (await run('predictImages', request, { signal })) as PredictedImages,
    predictRegression: async (request, signal) =>
      (await run('predictRegression', request, { signal })) as Float32Array,
    infer: async (request, signal) =>
      (await run('infer', request, { signal })) as Record<string, TensorValue>,
    drawCells: async (picture, signal) => (await run('drawCells', picture, { signal })) as string,
  };
}

/** The options of an adaptation's job, whose progress is what the model layer reports. */
const watched = ({ signal, report }: Watcher): JobOptions => ({
  signal,
  onAccepted: () => report({ kind: 'accepted' }),
  onStarted: () => report({ kind: 'started' }),
  onProgress: (value) => report(value as AdaptationReport),
});
