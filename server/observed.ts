import type { Metrics } from './metrics.ts';
import type { StorageObserver } from './storage/measured.ts';
import type { EndedWork, Traces } from './tracing/traces.ts';
import type { JobObserver } from './workers/measured-pool.ts';

/** What jobs and the storage tell, for the metrics and for the traces. */
export function observed(metrics: Metrics, { note, headers }: Traces): JobObserver & StorageObserver {
  return {
    onJobStarted: metrics.onJobStarted,
    onJobEnded: (job, outcome, times) => {
      metrics.onJobEnded(job, outcome, times);
      for (const work of spansOf(job, outcome, times)) note(work);
    },
    onOperation: (operation, outcome, seconds) => {
      metrics.onOperation(operation, outcome, seconds);
      const endedAt = performance.now();
      note({ name: `storage ${operation}`, startedAt: endedAt - seconds * 1000, endedAt, outcome });
    },
    onRead: metrics.onRead,
    headers,
  };
}

/** The wait of a job, and its time in a worker where one had begun it. */
function spansOf(
  ...[job, outcome, { askedAt, startedAt, endedAt }]: Parameters<JobObserver['onJobEnded']>
): EndedWork[] {
  const queue = { name: `queue ${job}`, startedAt: askedAt };
  if (startedAt === undefined) return [{ ...queue, endedAt, outcome }];
  return [
    { ...queue, endedAt: startedAt, outcome: 'done' },
    { name: `worker ${job}`, startedAt, endedAt, outcome },
  ];
}
