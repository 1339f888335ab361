import { Redis } from 'ioredis';

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

/** A Redis by its address alone, without what may be a password. */
export function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** The URL of a Redis. @throws Error of one line when it is none */
export function redisUrl(text: string): string {
  const protocol = URL.canParse(text) ? new URL(text).protocol : undefined;
  if (protocol === 'redis:' || protocol === 'rediss:') return text;
  throw new Error(`${JSON.stringify(text)} is no URL of a Redis: redis://HOST:PORT, or rediss:// for TLS`);
}

/** Connects, which is tried once. @throws Error of one line when Redis does not answer */
export async function connected(url: string): Promise<Redis> {
  const client = connect(redisUrl(url));
  try {
    await client.connect();
    await client.ping();
    return client;
  } catch (error) {
    client.disconnect();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${placeOf(url)} does not answer: ${reason}`, { cause: error });
  }
}
