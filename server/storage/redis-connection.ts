import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import { loggable } from './faults.ts';

/** That a connection may be silent while a command waits for its answer; then it is made anew. */
const SILENT_MS = 15_000;

/**
 * A connection to Redis, made anew whenever it is lost; what fails is logged, without passwords.
 * @param url redis:// or rediss://, with a password where the server wants one
 * @param use what the commands of this connection need beside that
 */
export function connectRedis(url: string, logger: Logger, use: RedisOptions): Redis {
  const client = new Redis(url, { connectTimeout: 5000, socketTimeout: SILENT_MS, ...use });
  client.on('error', (error: Error) => logger.error({ err: loggable(error) }, 'redis failed'));
  return client;
}
