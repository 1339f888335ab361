import { JobError, PoolClosedError, QueueFullError } from '../../engine/errors.ts';
import type { WorkerPool } from '../../engine/pool.ts';
import type { JobOptions } from '../../engine/pool-options.ts';
import { ServiceError } from '../errors/errors.ts';
import type { AdaptationReport, CheckpointInfo, TaskAdapter, Toolchain, Watcher } from '../ports.ts';
import type { ServerJobs } from './jobs.ts';
import { supportRows } from './trunk-rows.ts';

export type ServerPool = Pick<WorkerPool<ServerJobs>, 'run'>;

/**
 * The adapter over worker threads that run `jobs.ts`.
 * @param lanes jobs that one support set's planes are computed by at a time
 */
export function createPoolAdapter(
  pool: ServerPool,
  checkpoints: readonly CheckpointInfo[],
  toolchain: Toolchain,
  lanes = 1,
): TaskAdapter {
  const run: ServerPool['run'] = async (job, request, options) => {
    try {
      return await pool.run(job, request, options);
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
      const known = checkpoints.find(({ id }) => id === request.checkpoint);
      if (known?.kind !== 'images' || !known.trunk) return run('adaptImages', request, watched(watcher));
      const { checkpoint, steps, support } = request;
      const start = performance.now();
      const rows = await supportRows(run, request, known.trunk, lanes, watched(watcher));
      const planes = performance.now() - start;
      const labels = support.map(({ label }) => label);
      const adapted = await run(
        'adaptOnTrunk',
        { checkpoint, steps, labels, rows },
        {
          signal: watcher.signal,
          onProgress: watcher.report,
          admitted: true,
          transfer: rows.map(({ buffer }) => buffer),
        },
      );
      return { ...adapted, timings: { planes, ...adapted.timings } };
    },
    adaptRegression: (request, watcher) => run('adaptRegression', request, watched(watcher)),
    predictImages: (request, signal) => run('predictImages', request, { signal }),
    predictRegression: (request, signal) => run('predictRegression', request, { signal }),
    infer: (request, signal) => run('infer', request, { signal }),
    drawCells: (picture, signal) => run('drawCells', picture, { signal }),
  };
}

/** The options of an adaptation's job, whose progress is what the model layer reports. */
const watched = ({ signal, report }: Watcher): JobOptions<AdaptationReport> => ({
  signal,
  onAccepted: () => report({ kind: 'accepted' }),
  onStarted: () => report({ kind: 'started' }),
  onProgress: report,
});
