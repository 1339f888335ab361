import { pino } from 'pino';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Configuration } from '../../../server/configuration.ts';
import { parseConfiguration } from '../../../server/configuration.ts';
import { openStorage, StorageSetupError } from '../../../server/storage/open.ts';
import type { TaskStorage } from '../../../server/storage/storage.ts';
import { harness } from '../support/harness.ts';
import { startObjectStore, type ObjectStore } from '../support/object-store.ts';
import { startFakeRedis, type FakeRedis } from '../support/fake-redis.ts';
import { hasRedis, startRedis } from '../../../bench/serve/redis.ts';
import { storedTask } from '../support/stored-task.ts';
import { support, taskOf } from '../support/tasks.ts';

/** A store that is there until it is stopped. */
interface Store {
  readonly environment: Readonly<Record<string, string>>;
  /** damages the value of a task */
  readonly damage: (id: string) => Promise<void>;
  readonly stop: () => Promise<void>;
}

async function startS3(): Promise<Store & Omit<ObjectStore, 'url' | 'close'>> {
  const { url, close, ...store } = await startObjectStore('bucket', 'access');
  return {
    environment: {
      MNAS_STORAGE: 's3://bucket/some/prefix',
      MNAS_S3_ENDPOINT: url,
      AWS_ACCESS_KEY_ID: 'access',
      AWS_SECRET_ACCESS_KEY: 'secret',
    },
    damage: (id) => {
      const key = `/bucket/some/prefix/${id}`;
      store.objects.set(key, store.objects.get(key)!.subarray(0, 100));
      return Promise.resolve();
    },
    ...store,
    stop: () => {
      close();
      return Promise.resolve();
    },
  };
}

async function startRedisStore(): Promise<Store> {
  const { url, stop } = await startRedis();
  const { Redis } = await import('ioredis');
  return {
    environment: { MNAS_STORAGE: url },
    damage: async (id) => {
      const client = new Redis(url);
      await client.set(`m-nas:${id}`, 'base64:AAAA');
      client.disconnect();
    },
    stop,
  };
}

async function startFake(): Promise<Store & Pick<FakeRedis, 'values' | 'mood'>> {
  const { url, values, mood, close } = await startFakeRedis();
  return {
    environment: { MNAS_STORAGE: url },
    damage: (id) => {
      values.set(`m-nas:${id}`, 'base64:AAAA');
      return Promise.resolve();
    },
    values,
    mood,
    stop: () => {
      close();
      return Promise.resolve();
    },
  };
}

const stores: Readonly<Record<string, { readonly start: () => Promise<Store>; readonly there: boolean }>> = {
  's3, a fake of it': { start: startS3, there: true },
  'redis, a fake of it': { start: startFake, there: true },
  'redis (needs redis-server)': { start: startRedisStore, there: hasRedis },
};

for (const [name, { start, there }] of Object.entries(stores))
  describe.skipIf(!there)(`storage shared by several processes: ${name}`, () => {
    let store: Store;
    const log: string[] = [];
    beforeAll(async () => {
      store = await start();
    });
    afterAll(() => store.stop());

    async function open(more: Readonly<Record<string, string>> = {}): Promise<TaskStorage> {
      const configuration: Configuration = parseConfiguration({ ...store.environment, ...more });
      const opened = await openStorage(configuration, pino({}, { write: (line) => log.push(line) }));
      onTestFinished(() => opened.close());
      return opened;
    }

    test('what one writes the other reads, to the byte; a removed task is gone for both', async () => {
      const [one, other] = [await open(), await open()];
      const task = storedTask(1);
      const { id } = task.record;
      expect(await other.read(id)).toBeUndefined();
      await one.write(task);
      const read = await other.read(id);
      expect(read?.record).toEqual(task.record);
      expect(Buffer.compare(read!.model, task.model)).toBe(0);
      await other.write({ ...task, record: { ...task.record, createdAt: '2030-01-01T00:00:00.000Z' } });
      expect((await one.read(id))?.record.createdAt).toBe(task.record.createdAt);
      expect(await other.remove(id)).toBe(true);
      expect(await one.read(id)).toBeUndefined();
      expect(await one.remove(id)).toBe(false);
      for (const strange of ['..', 'probe', '']) expect(await one.read(strange)).toBeUndefined();
      expect(log).toEqual([]);
    });

    test('claims are kept beside the tasks, and are no tasks', async () => {
      const [one, other] = [await open(), await open()];
      const [first, second] = [one.claims!, other.claims!];
      const { id } = storedTask(5).record;
      for (const owner of ['ann', '..', 'a.b-c_d']) {
        expect(await second.has(id, owner)).toBe(false);
        await first.add(id, owner);
        expect(await second.has(id, owner)).toBe(true);
      }
      expect(await second.has(storedTask(6).record.id, 'ann')).toBe(false);
      expect(await one.read(id)).toBeUndefined();
      expect([await second.remove(id, 'ann'), await first.remove(id, 'ann')]).toEqual([true, false]);
      expect([await first.has(id, 'ann'), await first.has(id, '..')]).toEqual([false, true]);
    });

    test('a damaged value counts as absent, is logged, and is replaced by the next write', async () => {
      const storage = await open();
      const task = storedTask(2);
      await storage.write(task);
      await store.damage(task.record.id);
      expect(await storage.read(task.record.id)).toBeUndefined();
      expect(log.splice(0).join()).toContain('damaged task');
      await storage.write(task);
      expect((await storage.read(task.record.id))?.record).toEqual(task.record);
      log.splice(0);
    });

    test('a task that is too old counts as absent', async () => {
      const storage = await open();
      const task = storedTask(3); // of January 2026
      const young = {
        ...storedTask(4),
        record: { ...storedTask(4).record, createdAt: new Date().toISOString() },
      };
      await storage.write(task);
      await storage.write(young);
      const strict = await open({ MNAS_STORED_DAYS: '1' });
      expect(await strict.read(task.record.id)).toBeUndefined();
      expect(await strict.read(young.record.id)).toBeDefined();
    });

    test('replicas: a task made by one is predicted with by the other, and made once', async () => {
      const [one, other] = [
        await harness({ replace: { storage: await open() } }),
        await harness({ replace: { storage: await open() } }),
      ];
      const made = await one.post('/v1/tasks', support);
      expect(made.status).toBe(201);
      const { id } = taskOf(made);
      expect((await other.post('/v1/tasks', support)).status).toBe(200);
      expect(other.adapter.calls).toEqual([]);
      const image = { name: 'images', file: 'new.png', content: support[0]!.content };
      const predicted = await other.post(`/v1/tasks/${id}/predictions`, [image]);
      expect(predicted.body).toMatchObject({ predictions: [{ label: 'red' }] });
      expect((await request(other.app).delete(`/v1/tasks/${id}`)).status).toBe(204);
      expect((await request(one.app).get(`/v1/tasks/${id}`)).status).toBe(404);
    });

    test('a store that has gone fails the check and every use, and a service cannot start with it', async () => {
      const storage = await open();
      await store.stop();
      await expect(storage.read(storedTask(1).record.id)).rejects.toMatchObject({
        code: 'storage-unavailable',
      });
      await expect(storage.write(storedTask(1))).rejects.toMatchObject({ code: 'storage-unavailable' });
      await expect(open()).rejects.toThrow(StorageSetupError);
      await expect(open()).rejects.toThrow(/^MNAS_STORAGE: (?!.*(pass@|secret))/);
    });
  });

test('a bucket that is not there, and credentials that are missing or wrong, fail the start', async () => {
  const { environment, stop } = await startS3();
  onTestFinished(stop);
  const start = (more: Readonly<Record<string, string>>) =>
    openStorage(parseConfiguration({ ...environment, ...more }), pino({ level: 'silent' }));
  await expect(start({ MNAS_STORAGE: 's3://other' })).rejects.toThrow('S3 has no bucket other');
  await expect(start({ AWS_ACCESS_KEY_ID: '' })).rejects.toThrow('AWS_ACCESS_KEY_ID is missing');
  await expect(start({ AWS_ACCESS_KEY_ID: 'wrong' })).rejects.toThrow('403');
});

test('a key that may not list the bucket fails the start with what it lacks, since it could not tell what is missing', async () => {
  const { environment, rights, stop } = await startS3();
  onTestFinished(stop);
  rights.list = false;
  const start = openStorage(parseConfiguration(environment), pino({ level: 'silent' }));
  await expect(start).rejects.toThrow(StorageSetupError);
  await expect(start).rejects.toThrow(/^MNAS_STORAGE: s3:.*403.* s3:ListBucket /);
});

/** Storage in a store, whose state is looked at anew whenever the returned function is called. */
async function watched(store: Store, more: Readonly<Record<string, string>> = {}) {
  onTestFinished(store.stop);
  const log: string[] = [];
  const configuration = parseConfiguration({ ...store.environment, ...more });
  const storage = await openStorage(configuration, pino({}, { write: (line) => log.push(line) }));
  onTestFinished(() => storage.close());
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const look = () => {
    vi.advanceTimersByTime(5001); // for five seconds what is known holds
    return storage.state();
  };
  return { storage, log, look };
}

test('a store that can no longer be written is still read, and said to be so', async () => {
  const store = await startS3();
  const { storage, look } = await watched(store);
  await storage.write(storedTask(1));
  store.rights.write = false;
  expect(await look()).toEqual({ readable: true, writable: false, losses: 0 });
  expect(await storage.read(storedTask(1).record.id)).toBeDefined();
  store.rights.write = true;
  expect(await look()).toEqual({ readable: true, writable: true, losses: 0 });
});

test('a full Redis is read, refuses tasks before they are made, and can be begun with', async () => {
  const store = await startFake();
  const { storage, look, log } = await watched(store);
  await storage.write(storedTask(1));
  store.mood.full = true;
  expect(await look()).toMatchObject({ readable: true, writable: false });
  await expect(storage.write(storedTask(2))).rejects.toThrow('is full');
  const { post, adapter } = await harness({ replace: { storage } });
  expect((await post('/v1/tasks', support)).body).toMatchObject({ status: 503, code: 'storage-unavailable' });
  expect(adapter.calls).toEqual([]);
  const begun = await openStorage(parseConfiguration(store.environment), pino({ level: 'silent' }));
  onTestFinished(() => begun.close());
  expect(await begun.read(storedTask(1).record.id)).toBeDefined();
  expect(log.join()).toContain('storage is not writable');
});

test('a task in constant use is not what Redis evicts, though it is read from memory', async () => {
  const store = await startFake();
  const { storage } = await watched(store);
  const [used, idle] = [storedTask(1), storedTask(2)];
  await storage.write(used);
  await storage.read(used.record.id); // from now on from memory
  await storage.write(idle);
  await storage.read(used.record.id);
  const order = [...store.values.keys()].filter((key) => !key.endsWith('probe'));
  expect(order).toEqual([`m-nas:${idle.record.id}`, `m-nas:${used.record.id}`]); // the first one would be evicted
});

test('a store that was emptied is noticed by all that use it, and once', async () => {
  const store = await startFake();
  const one = await watched(store);
  const other = await openStorage(parseConfiguration(store.environment), pino({ level: 'silent' }));
  onTestFinished(() => other.close());
  expect(await one.look()).toMatchObject({ losses: 0 });
  expect(await other.state()).toMatchObject({ losses: 0 });
  vi.advanceTimersByTime(60_000);
  store.values.clear(); // FLUSHALL
  expect(await one.look()).toMatchObject({ losses: 1, readable: true, writable: true });
  expect(await other.state()).toMatchObject({ losses: 1 });
  expect(await one.look()).toMatchObject({ losses: 1 });
  expect(await other.state()).toMatchObject({ losses: 1 });
  expect(one.log.join()).toContain('the store was emptied');
});

test('while the store is down or silent, tasks in memory are predicted with', async () => {
  const store = await startFake();
  const { storage } = await watched(store);
  const { app, post } = await harness({ replace: { storage } });
  const { id } = taskOf(await post('/v1/tasks', support));
  const image = { name: 'images', file: 'new.png', content: support[0]!.content };
  const predict = async () => (await post(`/v1/tasks/${id}/predictions`, [image])).status;
  expect(await predict()).toBe(200);
  store.mood.silent = true;
  const startedAt = performance.now();
  for (let prediction = 0; prediction < 5; prediction++) expect(await predict()).toBe(200);
  expect(performance.now() - startedAt).toBeLessThan(4000); // it is asked once
  await store.stop();
  expect(await predict()).toBe(200);
  expect((await request(app).get(`/v1/tasks/${'0'.repeat(32)}`)).status).toBe(503);
});

test('requests that are given up, or that a silent S3 keeps waiting, hold no connection to it', async () => {
  const store = await startS3();
  const { storage } = await watched(store);
  store.mood.silent = true;
  const clients = Array.from({ length: 10 }, () => new AbortController());
  const reads = clients.map(({ signal }) => storage.read(storedTask(1).record.id, signal));
  await vi.waitFor(() => expect(store.connections()).toBeGreaterThanOrEqual(10));
  for (const client of clients) client.abort(new Error('hung up'));
  for (const read of reads) await expect(read).rejects.toThrow('hung up');
  // fetch connects anew after an abort, and lets go of what is idle for four seconds
  await vi.waitFor(() => expect(store.connections()).toBe(0), { timeout: 8000, interval: 200 });
});
