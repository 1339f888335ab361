import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hasRedis, startRedis } from '../../../bench/serve/redis.ts';
import { Link } from '../../../server/queue/link.ts';

const logger = pino({ level: 'silent' });

describe.skipIf(!hasRedis)('the connection to a queue in Redis (needs redis-server)', () => {
  test('a process that was busy itself does not take Redis for away', async () => {
    const redis = await startRedis();
    const link = await Link.open(redis.url, logger);
    onTestFinished(async () => {
      link.close();
      await redis.stop();
    });
    const answer = await link.ask((client) => {
      const asked = client.ping();
      for (const end = performance.now() + 1200; performance.now() < end;);
      return asked;
    });
    expect(answer).toBe('PONG');
  });

  test('one that is not there at the start is told by the name of the setting, without a password', async () => {
    const redis = await startRedis();
    await redis.stop();
    const opening = Link.open(redis.url, logger);
    await expect(opening).rejects.toThrow(/^MNAS_QUEUE: Redis cannot be used \((?!.*pass)/);
  });
});
