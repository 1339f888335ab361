import { mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { StorageLimits } from '../../../server/storage/inventory.ts';
import { cached } from '../../../server/storage/cached.ts';
import type { CacheableStorage } from '../../../server/storage/cached.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import { temporaryFolder } from '../support/harness.ts';
import { storedTask } from '../support/stored-task.ts';

async function open(
  folder: string,
  limits?: StorageLimits,
): Promise<{ storage: CacheableStorage; log: string[] }> {
  const log: string[] = [];
  const logger = pino({}, { write: (line) => log.push(line) });
  const storage = await openDiskStorage(folder, logger, limits);
  onTestFinished(() => storage.close());
  return { storage, log };
}

/** The same after the process that had the folder has ended. */
async function reopen(
  last: Pick<CacheableStorage, 'close'>,
  ...given: Parameters<typeof open>
): ReturnType<typeof open> {
  await last.close();
  return open(...given);
}

describe('disk storage', () => {
  test('gives back what was written, also after it was opened again', async () => {
    const folder = await temporaryFolder();
    const task = storedTask(1);
    const { storage } = await open(folder);
    await storage.write(task);
    const read = await (await reopen(storage, folder)).storage.read(task.record.id);
    expect(read?.record).toEqual(task.record);
    expect(Buffer.compare(read!.model, task.model)).toBe(0);
  });

  test('a second write of the same id keeps the first', async () => {
    const { storage } = await open(await temporaryFolder());
    const task = storedTask(1);
    await storage.write(task);
    await storage.write({ ...task, record: { ...task.record, createdAt: '2030-01-01T00:00:00.000Z' } });
    expect((await storage.read(task.record.id))?.record.createdAt).toBe(task.record.createdAt);
  });

  test('absent ids, and names that are no ids, are absent', async () => {
    const { storage, log } = await open(await temporaryFolder());
    for (const id of ['0'.repeat(32), '..', '../tasks', '', 'x'.repeat(5000)]) {
      expect(await storage.read(id)).toBeUndefined();
      expect(await storage.remove(id)).toBe(false);
    }
    expect(log).toEqual([]);
  });

  const damages: Readonly<Record<string, (folder: string) => Promise<void>>> = {
    'a truncated model': (folder) => truncate(join(folder, 'model.onnx'), 10),
    'a truncated record': (folder) => truncate(join(folder, 'task.json'), 10),
    'an empty record': (folder) => truncate(join(folder, 'task.json'), 0),
    'a file in place of its folder': async (folder) => {
      await rm(folder, { recursive: true });
      await writeFile(folder, 'in the way');
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    test(`${name} counts as absent, is logged, and is replaced by the next write`, async () => {
      const folder = await temporaryFolder();
      const { storage, log } = await open(folder);
      const task = storedTask(1);
      await storage.write(task);
      await damage(join(folder, 'tasks', task.record.id));
      expect(await storage.read(task.record.id)).toBeUndefined();
      expect(log.join()).toContain('damaged task');
      await storage.write(task);
      expect((await storage.read(task.record.id))?.record).toEqual(task.record);
      expect(await readdir(join(folder, 'temporary'))).toEqual([]);
    });
  }

  test('drafts of a crashed process are cleaned at the next start', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'temporary', 'draft'), { recursive: true });
    await writeFile(join(folder, 'temporary', 'draft', 'model.onnx'), 'half');
    await open(folder);
    expect(await readdir(join(folder, 'temporary'))).toEqual([]);
  });

  const ids = (...numbers: number[]) => numbers.map((number) => storedTask(number).record.id).sort();
  const kept = async (folder: string) => (await readdir(join(folder, 'tasks'))).sort();

  test('claims survive the process and the task’s own removal, and go with what is evicted', async () => {
    const folder = await temporaryFolder();
    const [one, other] = [storedTask(1), storedTask(2)];
    const id = one.record.id;
    const first = await open(folder);
    await first.storage.write(one);
    for (const owner of ['ann', '..']) await first.storage.claims!.add(id, owner);
    const { storage } = await reopen(first.storage, folder, { bytes: 1, days: 0 });
    const claims = storage.claims!;
    const has = () => Promise.all(['ann', '..', 'bob'].map((owner) => claims.has(id, owner)));
    expect(await has()).toEqual([true, true, false]);
    expect([await claims.remove(id, 'ann'), await claims.remove(id, 'ann')]).toEqual([true, false]);
    expect(await has()).toEqual([false, true, false]);
    await storage.write(other); // the first one has no room
    expect(await has()).toEqual([false, false, false]);
    expect(await readdir(join(folder, 'claims'))).toEqual([]);
  });

  test('over its bytes it removes the least recently used, never the newest, and forgets what it removed', async () => {
    const folder = await temporaryFolder();
    const { storage } = await open(folder, { bytes: 160_000, days: 0 }); // room for three
    for (const number of [1, 2, 3]) await storage.write(storedTask(number));
    await storage.read(storedTask(1).record.id);
    await storage.write(storedTask(4));
    expect(await kept(folder)).toEqual(ids(1, 3, 4));
    expect(storage.stats?.()).toMatchObject({ tasks: 3, evicted: 1 });
    await storage.remove(storedTask(3).record.id);
    await storage.write(storedTask(5));
    expect(await kept(folder)).toEqual(ids(1, 4, 5));
    expect(await readdir(join(folder, 'temporary'))).toEqual([]);
    const tight = await reopen(storage, folder, { bytes: 1, days: 0 });
    expect(tight.storage.stats?.()).toMatchObject({ tasks: 1, evicted: 2 });
    await tight.storage.write(storedTask(6));
    expect(await kept(folder)).toEqual(ids(6));
  });

  test('the order of use and the age outlast a restart', async () => {
    const folder = await temporaryFolder();
    const { storage } = await open(folder);
    const day = 86_400;
    const now = Date.now() / 1000;
    for (const number of [1, 2, 3]) await storage.write(storedTask(number));
    const at = (number: number, used: number, made: number) =>
      utimes(
        join(folder, 'tasks', storedTask(number).record.id, 'model.onnx'),
        now - used * day,
        now - made * day,
      );
    await at(1, 2, 5);
    await at(2, 3, 3);
    await at(3, 1, 9);
    let last = await reopen(storage, folder);
    await last.storage.read(storedTask(2).record.id); // used now
    last = await reopen(last.storage, folder, { bytes: 0, days: 7 });
    expect(await kept(folder)).toEqual(ids(1, 2));
    last = await reopen(last.storage, folder, { bytes: 60_000, days: 7 });
    expect(await kept(folder)).toEqual(ids(2));
    await reopen(last.storage, folder, { bytes: 0, days: 2 }); // a use makes it no younger
    expect(await kept(folder)).toEqual([]);
  });

  test('what cannot be removed stays and counts, and a use that cannot be written down is no failure', async () => {
    const folder = await temporaryFolder();
    const { storage, log } = await open(folder, { bytes: 110_000, days: 0 }); // room for two
    const [one, two, three] = [storedTask(1), storedTask(2), storedTask(3)];
    for (const task of [one, two]) await storage.write(task);
    const [temporary, task] = [join(folder, 'temporary'), join(folder, 'tasks', one.record.id)];
    await rm(temporary, { recursive: true });
    await writeFile(temporary, 'in the way');
    await expect(storage.remove(one.record.id)).rejects.toThrow('ENOTDIR');
    expect(storage.stats?.()).toMatchObject({ tasks: 2 });
    await rm(temporary);
    await mkdir(temporary);
    await storage.write(three);
    expect(await kept(folder)).toEqual(ids(2, 3));
    expect(log.splice(0).join()).not.toContain('failed');
    await storage.write(one);
    await rm(task, { recursive: true });
    await writeFile(task, 'in the way');
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    vi.advanceTimersByTime(61_000); // a use is written down once a minute
    expect(await storage.keeps(one)).toBe(true);
    expect(log.join()).toContain('a use could not be written down');
  });

  test('a folder that was removed is made anew, with its lock, by the next look or the next task', async () => {
    const folder = await temporaryFolder();
    const { storage, log } = await open(folder);
    await storage.write(storedTask(1));
    await rm(folder, { recursive: true });
    await storage.write(storedTask(2));
    expect(await kept(folder)).toEqual(ids(2));
    expect(storage.stats?.()).toMatchObject({ tasks: 1 });
    expect(log.splice(0).join()).toContain('all tasks are gone');
    expect(await storage.state()).toEqual({ readable: true, writable: true, losses: 1 });
    await rm(folder, { recursive: true });
    await setTimeout(1100); // for so long what is known holds
    expect(await storage.state()).toEqual({ readable: true, writable: true, losses: 2 });
    expect((await readdir(folder)).sort()).toEqual(['lock', 'tasks', 'temporary']);
  });

  test('a task of a newer version is told as such, and gives way to an equal one', async () => {
    const folder = await temporaryFolder();
    const { storage } = await open(folder);
    const task = storedTask(1);
    await storage.write(task);
    const record = join(folder, 'tasks', task.record.id, 'task.json');
    await writeFile(record, (await readFile(record, 'utf8')).replace('"version":1', '"version":99'));
    await expect(storage.read(task.record.id)).rejects.toMatchObject({ code: 'newer-task' });
    const again = await reopen(storage, folder);
    await expect(again.storage.read(task.record.id)).rejects.toMatchObject({ code: 'newer-task' });
    await again.storage.write(task);
    expect((await again.storage.read(task.record.id))?.record).toEqual(task.record);
  });

  test('a file named like a task does not stop the start', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'tasks'));
    await writeFile(join(folder, 'tasks', storedTask(1).record.id), 'in the way');
    const { storage } = await open(folder);
    expect(await storage.read(storedTask(1).record.id)).toBeUndefined();
    expect(await storage.state()).toMatchObject({ readable: true, writable: true });
  });

  test('in front of it, tasks read last are kept in memory, and not longer than they are kept on disk', async () => {
    const folder = await temporaryFolder();
    const { storage } = await open(folder, { bytes: 110_000, days: 0 }); // room for two
    let reads = 0;
    const counted: CacheableStorage = {
      ...storage,
      keeps: (task) => storage.keeps(task),
      read: (id) => {
        reads++;
        return storage.read(id);
      },
      write: (task) => storage.write(task),
      remove: (id) => storage.remove(id),
      close: () => storage.close(),
    };
    const hits: boolean[] = [];
    const options = { bytes: 150_000, days: 0, onRead: (hit: boolean) => hits.push(hit) }; // room for two and their records
    const cache = cached(counted, options, pino({ level: 'silent' }));
    const [one, two, three] = [storedTask(1), storedTask(2), storedTask(3)];
    await cache.write(one);
    const first = await cache.read(one.record.id);
    expect(await cache.read(one.record.id)).toBe(first);
    expect(reads).toBe(1);
    expect(hits).toEqual([false, true]);
    await cache.remove(one.record.id);
    expect(await cache.read(one.record.id)).toBeUndefined();
    await cache.write(two);
    await cache.read(two.record.id);
    await storage.remove(two.record.id); // as another replica does
    expect(await cache.read(two.record.id)).toBeUndefined();
    for (const task of [one, two, three]) await cache.write(task); // the first of them is evicted
    expect(await cache.read(one.record.id)).toBeUndefined();
    reads = 0;
    for (const task of [two, three, two, three]) expect(await cache.read(task.record.id)).toBeDefined();
    expect(reads).toBe(2);
  });
});
