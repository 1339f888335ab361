import type { Redis } from 'ioredis';
import type { RunKeys } from './keys.ts';

/** How often a machine says that it lives, and how long that holds, milliseconds. */
const refreshMs = 2000;
const livesMs = 6500;

/** Says that a machine takes part, until `stop`. */
export function takePart(
  redis: Redis,
  keys: RunKeys,
  { id, threads }: { readonly id: string; readonly threads: number },
): { readonly stop: () => Promise<void> } {
  const say = (): Promise<unknown> =>
    redis
      .multi()
      .sadd(keys.hosts, id)
      .set(keys.host(id), String(threads), 'PX', livesMs)
      .exec()
      .catch(() => undefined); // it is said again
  void say();
  const timer = setInterval(() => void say(), refreshMs);
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    await redis.multi().srem(keys.hosts, id).del(keys.host(id)).exec();
  };
  return { stop };
}

/** The threads of the machines that take part. */
export async function threadsOfHosts(redis: Redis, keys: RunKeys): Promise<number[]> {
  const ids = await redis.smembers(keys.hosts);
  if (ids.length === 0) return [];
  const threads = await redis.mget(ids.map((id) => keys.host(id)));
  const gone = ids.filter((_, i) => threads[i] === null);
  if (gone.length > 0) await redis.srem(keys.hosts, ...gone);
  return threads.flatMap((own) => (own === null ? [] : Number(own)));
}
