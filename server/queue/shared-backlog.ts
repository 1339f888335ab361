import { ServiceError } from '../errors/errors.ts';
import type { Asker } from '../ports.ts';
import { admit } from '../workers/admission.ts';
import type { AskedWork, WorkLimits } from '../workers/admission.ts';
import { Backlog, Speed } from '../workers/backlog.ts';
import type { WorkJob, WorkQueue } from './job.ts';
import type { Link } from './link.ts';
import { names } from './names.ts';

/** For so long what was seen of the queue holds: several posts at once cost one look. */
const FRESH_MS = 250;

/** How much work all replicas take on together. */
export interface SharedLimits extends Pick<WorkLimits, 'requestCost' | 'clientCost' | 'jobBytes'> {
  /** jobs that may wait for a worker */
  readonly waiting: number;
}

/** The queue as it was seen last. */
export interface QueueStats {
  readonly waiting: number;
  readonly active: number;
  /** jobs that wait for another try */
  readonly delayed: number;
  /** seconds that the oldest of those has waited that no worker has begun with */
  readonly age: number;
  /** jobs that all live workers can do at a time */
  readonly lanes: number;
}

interface Seen {
  readonly backlog: Backlog;
  readonly stats: QueueStats;
  readonly at: number;
}

const NOTHING: QueueStats = { waiting: 0, active: 0, delayed: 0, age: 0, lanes: 0 };

/**
 * The work that all replicas have taken on and that is not done, read from the queue itself, so that no count is ever wrong
 * for long. Replicas that admit at the same time do not see each other: limits are exceeded by a request each at most.
 */
export class SharedBacklog {
  readonly #link: Link;
  readonly #queue: WorkQueue;
  readonly #limits: SharedLimits;
  readonly #speed = new Speed();
  #seen: Seen = { backlog: new Backlog(1), stats: NOTHING, at: -Infinity };
  #looking: Promise<Seen> | undefined;

  constructor(link: Link, queue: WorkQueue, limits: SharedLimits) {
    this.#link = link;
    this.#queue = queue;
    this.#limits = limits;
  }

  /** Learns from what a worker has done, wherever it is. */
  learn(cost: number, seconds: number): void {
    if (seconds > 0) this.#speed.learn(cost, seconds);
  }

  /**
   * Takes work on, or refuses it before anything is done.
   * @throws ServiceError as `admit` does, `overloaded` where the queue is full, `queue-unavailable`
   */
  async admit(asker: Asker, work: AskedWork): Promise<void> {
    const { backlog, stats } = await this.#fresh();
    if (stats.waiting + stats.delayed >= this.#limits.waiting)
      throw new ServiceError('overloaded', { retryAfter: backlog.relief() });
    const clientRequests = stats.lanes + Math.max(1, Math.ceil(this.#limits.waiting / 2));
    // counted until the next look, which finds the job in the queue
    admit(backlog, { ...this.#limits, clientRequests }, asker, work);
  }

  /** Seconds that further work of the client would wait, as of the last look; 0 while there was none. */
  waitFor(client: string): number {
    this.#fresh().catch(() => undefined);
    return this.#seen.backlog.waitFor(client);
  }

  /** @throws ServiceError `queue-unavailable` */
  async stats(): Promise<QueueStats> {
    return (await this.#fresh()).stats;
  }

  #fresh(): Promise<Seen> {
    if (performance.now() - this.#seen.at < FRESH_MS) return Promise.resolve(this.#seen);
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<Seen> {
    const read = (...states: readonly ('active' | 'waiting' | 'prioritized' | 'delayed')[]) =>
      this.#link.ask(async () => {
        // BullMQ types it otherwise: a job may have ended between the reading of its id and of itself
        const jobs: readonly (WorkJob | undefined)[] = await this.#queue.getJobs([...states]);
        return jobs.flatMap((job) => job ?? []);
      });
    const [active, waiting, delayed] = [
      await read('active'),
      await read('waiting', 'prioritized'),
      await read('delayed'),
    ];
    const lanes = await this.#lanes();
    const backlog = new Backlog(Math.max(1, lanes), this.#speed);
    for (const { data } of [...active, ...waiting, ...delayed]) backlog.add(data.client, data.cost);
    const oldest = Math.min(...[...waiting, ...delayed].map(({ timestamp }) => timestamp));
    const stats = {
      waiting: waiting.length,
      active: active.length,
      delayed: delayed.length,
      age: Number.isFinite(oldest) ? Math.max(0, (Date.now() - oldest) / 1000) : 0,
      lanes,
    };
    this.#seen = { backlog, stats, at: performance.now() };
    return this.#seen;
  }

  /** What live workers can do at a time; the dead are forgotten. */
  async #lanes(): Promise<number> {
    const ids = await this.#link.ask((client) => client.smembers(names.workers));
    if (ids.length === 0) return 0;
    const told = await this.#link.ask((client) => client.mget(ids.map(names.worker)));
    const dead = ids.filter((_, i) => told[i] === null);
    if (dead.length > 0) await this.#link.ask((client) => client.srem(names.workers, ...dead));
    return told.reduce((sum, lanes) => sum + Number(lanes ?? 0), 0);
  }
}
