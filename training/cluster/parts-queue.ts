import { Queue, QueueEvents, Worker } from 'bullmq';
import type { Job } from 'bullmq';
import { queueConnection } from './connection.ts';
import { prefix } from './keys.ts';
import { partId, partSchema } from './messages.ts';
import type { Part } from './messages.ts';

/** How long a machine may be silent with a part before it is handed out again, milliseconds; and how often that is looked at. */
const lockDuration = 15_000;
const stalledInterval = 5000;

/** Events of a queue that are kept. */
const keptEvents = 1000;

/** The parts of a run that machines take. Jobs say what to compute; the numbers lie beside them. */
export class PartsQueue {
  readonly #queue: Queue;
  readonly #events: QueueEvents;

  /** @param hear told of jobs that a machine begins, ends (with what it answers) and fails */
  constructor(
    url: string,
    name: string,
    hear: {
      readonly active: (id: string) => void;
      readonly completed: (id: string, answer: unknown) => void;
      readonly failed: (id: string, reason: string) => void;
    },
  ) {
    const connection = queueConnection(url);
    this.#queue = new Queue(name, {
      prefix,
      connection: { ...connection, maxRetriesPerRequest: 1 },
      streams: { events: { maxLen: keptEvents } },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    this.#events = new QueueEvents(name, { prefix, connection });
    this.#queue.on('error', () => undefined); // what is asked of it tells it
    this.#events.on('error', () => undefined); // it connects again by itself
    this.#events.on('active', ({ jobId }) => hear.active(jobId));
    this.#events.on('completed', ({ jobId, returnvalue }) => hear.completed(jobId, returnvalue));
    this.#events.on('failed', ({ jobId, failedReason }) => hear.failed(jobId, failedReason));
  }

  /** Begins to hear, with no job of a trainer before. */
  async begin(): Promise<void> {
    await this.#events.waitUntilReady();
    await this.#queue.obliterate({ force: true });
  }

  /** Hands out parts, in their order; one that is in the queue already stays as it is. @param attempt of each */
  async add(parts: readonly { readonly part: Part; readonly attempt: number }[]): Promise<void> {
    await this.#queue.addBulk(
      parts.map(({ part, attempt }) => ({
        name: 'part',
        data: part,
        opts: { jobId: partId(part, attempt), lifo: attempt > 1 },
      })),
    );
  }

  /** Takes back what nobody has begun. */
  async drain(): Promise<void> {
    await this.#queue.drain();
  }

  async obliterate(): Promise<void> {
    await this.#queue.obliterate({ force: true });
  }

  async close(): Promise<void> {
    await Promise.all([this.#queue.close(), this.#events.close()]);
  }
}

/**
 * Takes parts off a queue, one after another, and answers what `compute` gives. Parts that a machine does not end are handed
 * out again, as often as it takes: a computation that is done twice does no harm.
 * @param name of this machine, which the job keeps
 */
export function takeParts(
  url: string,
  { queue, name }: { readonly queue: string; readonly name: string },
  compute: (part: Part, id: string) => Promise<object | null>,
): Worker {
  const processor = ({ data, id }: Job): Promise<object | null> => compute(partSchema.parse(data), id!);
  const worker = new Worker(queue, processor, {
    prefix,
    connection: queueConnection(url),
    lockDuration,
    stalledInterval,
    maxStalledCount: 1000,
    name,
    drainDelay: 2, // seconds: a machine that dies may take a wake-up with it
    runRetryDelay: 1000,
  });
  worker.on('error', () => undefined); // Redis is away: it connects again by itself
  return worker;
}
