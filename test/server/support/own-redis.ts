import { afterAll, beforeAll, beforeEach } from 'vitest';
import { Redis as Client } from 'ioredis';
import { startRedis } from '../../../bench/serve/redis.ts';
import type { Redis } from '../../../bench/serve/redis.ts';

/** A Redis for the tests of a suite, empty before each of them; its url is there within a test. */
export function ownRedis(): Pick<Redis, 'url'> {
  let running: Redis;
  beforeAll(async () => {
    running = await startRedis();
  });
  afterAll(() => running.stop());
  beforeEach(async () => {
    const client = new Client(running.url);
    await client.flushall();
    client.disconnect();
  });
  return {
    get url() {
      return running.url;
    },
  };
}
