import { JobError, PoolClosedError, QueueFullError } from '../../engine/errors.ts';
import type { JobOptions, WorkerPool } from '../../engine/pool.ts';
import type { TensorValue } from '../../model/graph/executor.ts';
import type { AdaptedRegression } from '../../model/regression/adapt.ts';
import { ServiceError } from '../errors/errors.ts';
import type {
  AdaptationReport,
  AdaptedImages,
  CheckpointInfo,
  ImagesCheckpoint,
  PredictedImages,
  TaskAdapter,
  Toolchain,
  Watcher,
} from '../ports.ts';
import type { AdaptOnTrunkPayload, PlanesPayload } from './jobs.ts';
import { supportRows } from './trunk-rows.ts';

/** A job of `jobs.ts` that a request waits for. */
type RequestJob =
  | 'planes'
  | 'adaptImages'
  | 'adaptOnTrunk'
  | 'adaptRegression'
  | 'predictImages'
  | 'predictRegression'
  | 'infer'
  | 'drawCells';

/**
 * The adapter over worker threads that run `jobs.ts`.
 * @param lanes jobs that one support set's planes are computed by at a time
 */
export function createPoolAdapter(
  pool: Pick<WorkerPool, 'run'>,
  checkpoints: readonly CheckpointInfo[],
  toolchain: Toolchain,
  lanes = 1,
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
    adaptImages: async (request, watcher) => {
      const { trunk } = checkpoints.find(({ id }) => id === request.checkpoint) as ImagesCheckpoint;
      if (!trunk) return (await run('adaptImages', request, watched(watcher))) as AdaptedImages;
      const { steps, support, checkpoint } = request;
      const start = performance.now();
      const planesOf = async (payload: PlanesPayload, options: JobOptions) =>
        (await run('planes', payload, options)) as Float32Array;
      const rows = await supportRows(planesOf, request, trunk, lanes, watched(watcher));
      const planes = performance.now() - start;
      const labels = support.map(({ label }) => label);
      const payload: AdaptOnTrunkPayload = { checkpoint, steps, labels, rows };
      const transfer = rows.map(({ buffer }) => buffer as ArrayBuffer);
      const options = { signal: watcher.signal, ...progressTo(watcher), admitted: true, transfer };
      const adapted = (await run('adaptOnTrunk', payload, options)) as AdaptedImages;
      return { ...adapted, timings: { planes, ...adapted.timings } };
    },
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
const watched = (watcher: Watcher): JobOptions => ({
  signal: watcher.signal,
  onAccepted: () => watcher.report({ kind: 'accepted' }),
  onStarted: () => watcher.report({ kind: 'started' }),
  ...progressTo(watcher),
});

const progressTo = ({ report }: Watcher) => ({
  onProgress: (value: unknown) => report(value as AdaptationReport),
});
