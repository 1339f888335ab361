import type { ServerJobs } from './jobs.ts';
import type { ServerPool } from './pool-adapter.ts';

/** `given-up`: nobody waits for it any more, though its worker may go on */
export type JobOutcome = 'done' | 'failed' | 'given-up';

/** By `performance.now()` of the thread that asks: a start is seen when the job is sent to its worker. */
export interface JobTimes {
  readonly askedAt: number;
  /** absent where no worker had begun */
  readonly startedAt: number | undefined;
  readonly endedAt: number;
}

/** What a pool that is measured tells. */
export interface JobObserver {
  /** a worker has begun with a job, which has waited so many seconds for it */
  readonly onJobStarted: (job: keyof ServerJobs, seconds: number) => void;
  /** a job has ended, whether a worker had begun it or not; told in the asynchronous context of who has asked for it */
  readonly onJobEnded: (job: keyof ServerJobs, outcome: JobOutcome, times: JobTimes) => void;
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
        observer.onJobEnded(job, outcome, { askedAt, startedAt, endedAt: performance.now() });
      }
    },
  };
}
