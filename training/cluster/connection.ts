import { Redis } from 'ioredis';
import { placeOf, redisUrl } from './address.ts';

/** That a connection may be silent while a command waits for its answer, milliseconds; then it is made anew. */
const silentMs = 15_000;

/** Time between two tries to connect, milliseconds. */
const retryStrategy = (times: number): number => Math.min(100 * times, 1000);

/** Options of BullMQ's connections, which wait for Redis as long as it takes. @param url redis:// or rediss:// */
export const queueConnection = (url: string) => ({
  url,
  connectTimeout: 5000,
  socketTimeout: silentMs,
  retryStrategy,
  maxRetriesPerRequest: null,
});

/** A connection whose commands fail while Redis is away. */
export function connect(url: string): Redis {
  const client = new Redis(url, {
    connectTimeout: 5000,
    socketTimeout: silentMs,
    retryStrategy,
    maxRetriesPerRequest: 1,
    lazyConnect: true,
  });
  client.on('error', () => undefined); // commands tell it
  return client;
}

/** Connects, which is tried once. @throws Error of one line when Redis does not answer */
export async function connected(url: string): Promise<Redis> {
  const client = connect(redisUrl(url));
  let fault: Error | undefined; // what it comes from; the command says only that it failed
  const note = (error: Error): void => void (fault ??= error);
  client.on('error', note);
  try {
    await client.connect();
    await client.ping();
    return client;
  } catch (error) {
    client.disconnect();
    const { message } = fault ?? (error as Error);
    throw new Error(`${placeOf(url)} does not answer: ${message}`, { cause: error });
  } finally {
    client.off('error', note);
  }
}
