import { Queue, QueueEvents } from 'bullmq';
import type { Logger } from 'pino';
import { within } from '../concurrency/in-time.ts';
import type { CheckpointInfo } from '../ports.ts';
import { loggable } from '../storage/faults.ts';
import { connectRedis } from '../storage/redis-connection.ts';
import type { TaskStorage } from '../storage/storage.ts';
import type { Traces } from '../tracing/traces.ts';
import { Followers } from './followers.ts';
import type { JobData, JobReturn } from './job.ts';
import { Link } from './link.ts';
import { queuePrefix, queueName } from './names.ts';
import { SharedBacklog } from './shared-backlog.ts';
import type { QueueStats, SharedLimits } from './shared-backlog.ts';
import { Waiters } from './waiters.ts';
import { QueueWorkplace } from './workplace.ts';
import { worksOf } from './works.ts';

/** BullMQ waits for a Redis that is away when it closes. */
const closeSeconds = 1;
/** Events that are kept for replicas whose connection was away for a moment. */
const mostEvents = 2000;

export interface OpenOptions {
  /** redis:// or rediss:// */
  readonly url: string;
  readonly checkpoints: readonly CheckpointInfo[];
  /** `makerOf` this process */
  readonly maker: string;
  /** jobs that one worker process does at a time, as this process would */
  readonly lanes: number;
  readonly limits: SharedLimits;
  /** whether tasks have owners */
  readonly owned: boolean;
  readonly storage: Pick<TaskStorage, 'read'>;
  readonly traces: Pick<Traces, 'headers'>;
  readonly logger: Logger;
}

/** The queue as a replica uses it: it puts work in, and follows it. */
export interface OpenQueue {
  readonly workplace: QueueWorkplace;
  /** seconds that further work of a client would wait */
  readonly waitFor: (client: string) => number;
  /** @throws ServiceError `queue-unavailable` */
  readonly stats: () => Promise<QueueStats>;
  readonly close: () => Promise<void>;
}

/** Connects to the queue. @throws QueueSetupError */
export async function openQueue(options: OpenOptions): Promise<OpenQueue> {
  const { url, checkpoints, lanes, limits, logger, ...rest } = options;
  const link = await Link.open(url, logger);
  await link.look();
  const failed = (error: Error) => logger.error({ err: loggable(error) }, 'queue failed');
  const queue = new Queue<JobData, JobReturn>(queueName, {
    connection: link.client,
    prefix: queuePrefix,
    streams: { events: { maxLen: mostEvents } },
  });
  queue.on('error', failed);
  const listening = connectRedis(url, logger, { maxRetriesPerRequest: null });
  const [seconds = '0'] = await link.ask((client) => client.time());
  const events = new QueueEvents(queueName, {
    connection: listening,
    prefix: queuePrefix,
    // from now on, whatever comes while its first read is on the way
    lastEventId: `${Number(seconds) * 1000}-0`,
  });
  events.on('error', failed);
  const backlog = new SharedBacklog(link, queue, limits);
  const followers = new Followers(link, queue, events, logger, (done) =>
    backlog.learn(done.cost, done.seconds),
  );
  const waiters = new Waiters(link);
  const works = worksOf(checkpoints, lanes);
  return {
    workplace: new QueueWorkplace({ link, queue, followers, waiters, backlog, works, ...rest }),
    waitFor: (client) => backlog.waitFor(client),
    stats: () => backlog.stats(),
    close: async () => {
      followers.close();
      waiters.close();
      const closed = Promise.allSettled([events.close(), queue.close()]);
      await within(closeSeconds, closed, new AbortController().signal);
      listening.disconnect();
      link.close();
    },
  };
}
