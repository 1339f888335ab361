import type { Logger } from 'pino';
import { unlessAborted } from '../concurrency/in-time.ts';
import { connectRedis } from './redis-connection.ts';
import type { ValueStore } from './value-store.ts';

/** What names begin with, since others may use the same database. */
const PREFIX = 'm-nas:';
/** What a value begins with: Redis keeps it as text. */
const ENCODED = 'base64:';

/** Values in Redis. @param url redis:// or rediss://, with a password where the server wants one */
export function openRedis(url: string, logger: Logger): ValueStore {
  const client = connectRedis(url, logger, { maxRetriesPerRequest: 2 });
  const key = (name: string) => PREFIX + name;
  return {
    get: async (name, signal) => {
      const text = await unlessAborted(client.get(key(name)), signal);
      if (text === null) return undefined;
      return Buffer.from(text.startsWith(ENCODED) ? text.slice(ENCODED.length) : '', 'base64');
    },
    // EXISTS is no use in the eyes of Redis' LRU, so that the tasks in constant use would be evicted first
    has: async (name, signal) => (await unlessAborted(client.touch(key(name)), signal)) > 0,
    set: async (name, value, seconds, signal) => {
      const text = ENCODED + Buffer.from(value).toString('base64');
      const taken = seconds > 0 ? client.set(key(name), text, 'EX', seconds) : client.set(key(name), text);
      await unlessAborted(taken, signal);
    },
    remove: async (name, signal) => (await unlessAborted(client.unlink(key(name)), signal)) > 0,
    close: () => {
      client.disconnect();
      return Promise.resolve();
    },
  };
}
