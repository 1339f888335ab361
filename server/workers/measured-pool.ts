import type { ServerJobs } from './jobs.ts';
import type { ServerPool } from './pool-adapter.ts';

/** `given-up`: nobody waits for it any more, though its worker may go on */
export type JobOutcome = 'done' | 'failed' | 'given-up';

/** What a pool that is measured tells. */
export interface JobObserver {
  /** a worker has begun with a job, which has waited so many seconds for it */
  readonly onJobStarted: (job: keyof ServerJobs, seconds: number) => void;
  /** a job that a worker had begun has ended, so many seconds later */
  readonly onJobEnded: (job: keyof ServerJobs, outcome: JobOutcome, seconds: number) => void;
}

/** The same pool, which tells how long its jobs wait and take. */
export function measuredPool(pool: ServerPool, observer: JobObserver): ServerPool {
  return {
    run: async (job, request, options) => {
      const askedAt = performance.now();
      let startedAt: number | undefined;
      const onStarted = () => {
        startedAt = performance.now();
        observer.onJobStarted(job, (startedAt - askedAt) / 1000);
        options?.onStarted?.();
      };
      let outcome: JobOutcome = 'done';
      try {
        return await pool.run(job, request, { ...options, onStarted });
      } catch (error) {
        outcome = options?.signal?.aborted === true ? 'given-up' : 'failed';
        throw error;
      } finally {
        if (startedAt !== undefined)
          observer.onJobEnded(job, outcome, (performance.now() - startedAt) / 1000);
      }
    },
  };
}
