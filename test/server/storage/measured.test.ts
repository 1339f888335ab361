import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfiguration } from '../../../server/configuration.ts';
import { Metrics } from '../../../server/metrics.ts';
import { openStorage } from '../../../server/storage/open.ts';
import { startFakeRedis } from '../support/fake-redis.ts';
import { storedTask } from '../support/stored-task.ts';

test('operations of the store are measured by how they end, and reads by whether memory answers', async () => {
  const { url, close } = await startFakeRedis();
  onTestFinished(close);
  const metrics = new Metrics();
  const configuration = parseConfiguration({ MNAS_STORAGE: url });
  const storage = await openStorage(configuration, pino({ level: 'silent' }), metrics);
  onTestFinished(() => storage.close());
  metrics.watchStorage(storage);
  const task = storedTask(1);
  await storage.write(task);
  for (let read = 0; read < 3; read++) await storage.read(task.record.id);
  close();
  await expect(storage.remove(task.record.id)).rejects.toMatchObject({ code: 'storage-unavailable' });
  const lines = (await metrics.registry.metrics()).split('\n');
  const count = 'mnas_storage_operation_seconds_count';
  for (const line of [
    `${count}{operation="write",outcome="done"} 1`,
    `${count}{operation="read",outcome="done"} 1`,
    `${count}{operation="keeps",outcome="done"} 2`,
    `${count}{operation="remove",outcome="failed"} 1`,
    'mnas_cache_reads_total{outcome="hit"} 2',
    'mnas_cache_reads_total{outcome="miss"} 1',
    'mnas_storage_readable 0',
    'mnas_storage_writable 0',
  ])
    expect(lines).toContain(line);
  expect(lines.join()).not.toContain('mnas_stored_tasks'); // a shared store keeps no limits of its own
});
