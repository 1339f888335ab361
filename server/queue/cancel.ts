import type { ServiceError } from '../errors/errors.ts';
import type { Run } from './followers.ts';
import { jobOf, outlineOf } from './job.ts';
import type { WorkQueue } from './job.ts';
import type { Link } from './link.ts';
import { putCancelled, putOutcome, storedError } from './outcome.ts';
import { leave } from './shares.ts';

/**
 * Gives a run up, wherever it is: one that waits goes at once, one that is worked at when its worker looks, within half a
 * second.
 * @throws ServiceError `queue-unavailable`
 */
export async function cancel(link: Link, queue: WorkQueue, run: Run, reason: ServiceError): Promise<void> {
  await link.ask((client) => putCancelled(client, run.run, reason));
  const job = await jobOf(link, queue, run.jobId);
  if (job?.data.run !== run.run) return;
  const { client: who, cost } = job.data;
  const isRemoved = await link.ask(() =>
    job.remove().then(
      () => true,
      () => false, // a worker has it
    ),
  );
  if (!isRemoved) return;
  const outline = outlineOf(job.data);
  await link.ask((client) => putOutcome(client, run, { outline, events: [], error: storedError(reason) }));
  await link.ask((client) => leave(client, who, cost));
}
