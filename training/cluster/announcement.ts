import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { announcementKey, runsKey } from './keys.ts';
import { announcementSchema } from './messages.ts';
import type { Announcement } from './messages.ts';

/** How long an announcement outlives its trainer, milliseconds. */
const livesMs = 15_000;
/** How often it is made anew. */
const refreshMs = 3000;

/** The announcement of a run; undefined where nobody trains it. @throws Error when it is of another version */
export async function readAnnouncement(redis: Redis, run: string): Promise<Announcement | undefined> {
  const text = await redis.get(announcementKey(run));
  if (text === null) return undefined;
  const parsed = announcementSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new Error(`${run} is trained by another version of this program`, { cause: parsed.error });
}

/** Runs that somebody trains. */
export async function announcedRuns(redis: Redis): Promise<string[]> {
  const names = await redis.smembers(runsKey);
  const live = await Promise.all(names.map((name) => redis.exists(announcementKey(name))));
  return names.filter((_, i) => live[i] === 1).sort();
}

/** Says what this trainer trains for as long as it lives, and that nobody else trains it. */
export class Announcing {
  readonly #redis: Redis;
  readonly #announcement: Announcement;
  readonly #timer: NodeJS.Timeout;
  #replaced = false;

  private constructor(redis: Redis, announcement: Announcement) {
    this.#redis = redis;
    this.#announcement = announcement;
    this.#timer = setInterval(() => void this.#refresh().catch(() => undefined), refreshMs);
  }

  /**
   * Waits until a trainer of this run that was killed is forgotten.
   * @throws Error of one line when another one lives
   */
  static async begin(redis: Redis, announcement: Announcement): Promise<Announcing> {
    const { name } = announcement.configuration;
    const until = performance.now() + livesMs + refreshMs;
    while (!(await claim(redis, announcement))) {
      if (performance.now() > until) throw new Error(`another trainer trains ${name} with this Redis`);
      await pause(500);
    }
    await redis.sadd(runsKey, name);
    return new Announcing(redis, announcement);
  }

  /** @throws Error once another trainer has announced the run, while this one had no Redis */
  requireOwn(): void {
    if (this.#replaced)
      throw new Error(`another trainer has begun to train ${this.#announcement.configuration.name}`);
  }

  /** @param ended whether the run has; otherwise it is taken up later */
  async end(ended: boolean): Promise<void> {
    clearInterval(this.#timer);
    if (this.#replaced) return;
    const key = announcementKey(this.#announcement.configuration.name);
    if (ended) await this.#redis.set(key, JSON.stringify({ ...this.#announcement, ended }), 'PX', livesMs);
    else await this.#redis.del(key);
  }

  /** A Redis that was emptied, or away for long, has forgotten the run. */
  async #refresh(): Promise<void> {
    const { configuration, epoch } = this.#announcement;
    const text = await this.#redis.get(announcementKey(configuration.name));
    if (text === null) {
      await claim(this.#redis, this.#announcement);
      await this.#redis.sadd(runsKey, configuration.name);
    } else if ((JSON.parse(text) as { epoch: unknown }).epoch === epoch)
      await this.#redis.pexpire(announcementKey(configuration.name), livesMs);
    else this.#replaced = true;
  }
}

/** Whether nobody else has announced the run: a trainer that has ended it does not count. */
async function claim(redis: Redis, announcement: Announcement): Promise<boolean> {
  const key = announcementKey(announcement.configuration.name);
  const known = await redis.get(key);
  if (known !== null && (JSON.parse(known) as { ended: unknown }).ended === true) await redis.del(key);
  return (await redis.set(key, JSON.stringify(announcement), 'PX', livesMs, 'NX')) === 'OK';
}
