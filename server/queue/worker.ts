import { randomUUID } from 'node:crypto';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { within } from '../concurrency/in-time.ts';
import { loggable } from '../storage/faults.ts';
import { connectRedis } from '../storage/redis-connection.ts';
import { ALIVE_MS, ALIVE_SECONDS, LEASE_MS, names, PREFIX, QUEUE, STALLED_MS } from './names.ts';
import { getCancelled } from './outcome.ts';
import type { JobData, JobReturn, WorkJob } from './job.ts';
import { perform, RunEndedError } from './perform.ts';
import type { Performance } from './perform.ts';

/** How often a worker looks whether its runs were given up and its leases hold. */
const TICK_MS = 500;
/** Of a lease, what is left when its worker stops by itself: another one may begin right after. */
const LEFT_MS = 1000;
/** That work waits at most before it is tried again. */
const LONGEST_BACKOFF_MS = 60_000;

export interface WorkerOptions extends Omit<Performance, 'client'> {
  readonly url: string;
  /** jobs at a time */
  readonly lanes: number;
  readonly logger: Logger;
}

/** A run that goes on here. */
interface Active {
  readonly jobId: string;
  readonly controller: AbortController;
  /** when its lease was renewed last, by `performance.now()` */
  renewedAt: number;
}

/** The jobs that this process takes from the queue, one lane each. */
export class QueueWorker {
  readonly #id = randomUUID();
  readonly #client: Redis;
  readonly #worker: Worker<JobData, JobReturn>;
  readonly #options: WorkerOptions;
  readonly #active = new Map<string, Active>();
  readonly #timers: readonly NodeJS.Timeout[];
  #closing: Promise<void> | undefined;

  constructor(options: WorkerOptions) {
    const { url, lanes, logger } = options;
    this.#options = options;
    this.#client = connectRedis(url, logger, { maxRetriesPerRequest: null });
    this.#worker = new Worker(QUEUE, (job: WorkJob, token = '') => this.#run(job, token), {
      connection: this.#client,
      prefix: PREFIX,
      concurrency: lanes,
      lockDuration: LEASE_MS,
      stalledInterval: STALLED_MS,
      maxStalledCount: Number.MAX_SAFE_INTEGER, // `perform` counts, so that it can tell who waits
      settings: { backoffStrategy: (attempt) => Math.min(1000 * 2 ** attempt, LONGEST_BACKOFF_MS) },
    });
    this.#worker.on('error', (error) => logger.error({ err: loggable(error) }, 'queue failed'));
    this.#worker.on('locksRenewed', ({ jobIds }) => this.#renewed(jobIds));
    this.#worker.on('lockRenewalFailed', (jobIds) => this.#lost(jobIds));
    this.#timers = [
      setInterval(() => void this.#tick(), TICK_MS),
      setInterval(() => void this.#tellAlive(), ALIVE_MS),
    ];
    void this.#tellAlive();
  }

  /** Jobs that go on here. */
  get active(): number {
    return this.#active.size;
  }

  /** Takes no more jobs, and lets those that run end for so many seconds; the others go back to the queue. */
  close(seconds: number): Promise<void> {
    this.#closing ??= this.#close(seconds);
    return this.#closing;
  }

  async #close(seconds: number): Promise<void> {
    const closed = this.#worker.close();
    await within(seconds, closed, new AbortController().signal);
    for (const { controller } of this.#active.values()) controller.abort(new RunEndedError('stopping'));
    await within(LEASE_MS / 1000, closed, new AbortController().signal);
    for (const timer of this.#timers) clearInterval(timer);
    const forgotten = this.#client.srem(names.workers, this.#id).catch(() => 0); // it is, in any case, soon
    await within(1, forgotten, new AbortController().signal);
    this.#client.disconnect();
  }

  async #run(job: WorkJob, token: string): Promise<JobReturn> {
    const { run, requestId } = job.data;
    const log = this.#options.logger.child({ requestId, job: job.id, run });
    log.info({ deaths: job.stalledCounter }, 'job taken');
    const controller = new AbortController();
    const startedAt = performance.now();
    const active = { jobId: job.id!, controller, renewedAt: startedAt };
    this.#active.set(run, active);
    controller.signal.addEventListener('abort', () =>
      log.info({ reason: String(controller.signal.reason) }, 'job stopped'),
    );
    try {
      return await perform({ ...this.#options, client: this.#client }, job, token, controller.signal);
    } finally {
      log.info({ ms: Math.round(performance.now() - startedAt) }, 'job left');
      if (this.#active.get(run) === active) this.#active.delete(run);
    }
  }

  #renewed(jobIds: readonly string[]): void {
    for (const active of this.#active.values())
      if (jobIds.includes(active.jobId)) active.renewedAt = performance.now();
  }

  #lost(jobIds: readonly string[]): void {
    for (const { jobId, controller } of this.#active.values())
      if (jobIds.includes(jobId)) controller.abort(new RunEndedError('lease lost'));
  }

  /** Stops what was given up, and what another worker may have begun with, since this one has not been heard of. */
  async #tick(): Promise<void> {
    const now = performance.now();
    for (const { renewedAt, controller } of this.#active.values())
      if (now - renewedAt > LEASE_MS - LEFT_MS) controller.abort(new RunEndedError('lease lost'));
    const runs = [...this.#active.keys()];
    try {
      const cancelled = await getCancelled(this.#client, runs);
      cancelled.forEach((error, i) => error && this.#active.get(runs[i]!)?.controller.abort(error));
    } catch {
      // Redis is away: the lease tells for how long that may last
    }
  }

  async #tellAlive(): Promise<void> {
    try {
      const { lanes } = this.#options;
      await this.#client.set(names.worker(this.#id), lanes, 'EX', ALIVE_SECONDS);
      await this.#client.sadd(names.workers, this.#id);
    } catch {
      // the next time is not far
    }
  }
}
