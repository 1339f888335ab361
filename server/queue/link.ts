import { once } from 'node:events';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { inTime } from '../concurrency/in-time.ts';
import { ServiceError } from '../errors/errors.ts';
import { isFull, loggable } from '../storage/faults.ts';
import { connectRedis } from '../storage/redis-connection.ts';

/** Within which Redis answers a command of this size, or counts as away: a client is to be told within a second. */
const ANSWER_SECONDS = 0.8;
/** The same for one that only asks whether it is there, since other work of the request comes on top. */
const PING_SECONDS = 0.5;
const TICK_MS = 50;
/** Within which it has to be there when a process starts. */
const START_SECONDS = 10;

/** The queue cannot be used as configured; thrown at start. */
export class QueueSetupError extends Error {
  override readonly name = 'QueueSetupError';
}

/** The connection by which clients' work is taken on. Nothing waits on it for a Redis that is away. */
export class Link {
  readonly client: Redis;
  readonly #logger: Logger;

  private constructor(client: Redis, logger: Logger) {
    this.client = client;
    this.#logger = logger;
  }

  /** @throws QueueSetupError where there is no Redis within seconds */
  static async open(url: string, logger: Logger): Promise<Link> {
    const client = connectRedis(url, logger, {
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    });
    try {
      const late = () => new Error(`no answer within ${START_SECONDS} seconds`);
      await inTime(START_SECONDS, once(client, 'ready'), late);
      return new Link(client, logger);
    } catch (error) {
      client.disconnect();
      const reason = error instanceof Error ? error.message : String(error);
      throw new QueueSetupError(`MNAS_QUEUE: Redis cannot be used (${reason})`, { cause: error });
    }
  }

  /** What Redis answers to one command or few. @throws ServiceError `queue-unavailable` within a second */
  async ask<T>(work: (client: Redis) => Promise<T>, seconds = ANSWER_SECONDS): Promise<T> {
    try {
      return await answered(seconds, work(this.client));
    } catch (error) {
      this.#logger.error({ err: loggable(error) }, 'queue failed');
      const detail = 'The queue of the work is full, so nothing more can be taken on.';
      throw new ServiceError('queue-unavailable', { cause: error, ...(isFull(error) && { detail }) });
    }
  }

  /** @throws ServiceError `queue-unavailable` where Redis is not there */
  async ping(): Promise<void> {
    await this.ask((client) => client.ping(), PING_SECONDS);
  }

  /** Warns where Redis may lose or evict what was taken on. */
  async look(): Promise<void> {
    const text = await this.ask((client) => client.info());
    const has = (line: string) => text.includes(`\n${line}\r`);
    if (has('aof_enabled:0'))
      this.#logger.warn(
        'the Redis of MNAS_QUEUE has no append-only file: its restart loses what was taken on',
      );
    if (!has('maxmemory_policy:noeviction'))
      this.#logger.warn('the Redis of MNAS_QUEUE may evict jobs: its maxmemory-policy is not noeviction');
  }

  close(): void {
    this.client.disconnect();
  }
}

/**
 * The work's value, unless it does not come within so many seconds. They are counted in ticks, and an answer that has
 * arrived is read before the last one counts: a process that was busy itself does not take Redis for away.
 */
async function answered<T>(seconds: number, work: Promise<T>): Promise<T> {
  let left = Math.round((seconds * 1000) / TICK_MS);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new Error(`no answer within ${seconds} seconds`));
    timer = setInterval(() => {
      left--;
      if (left === 0) setImmediate(fail);
    }, TICK_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearInterval(timer);
  }
}
