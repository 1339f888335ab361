import type * as filesystem from 'node:fs/promises';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type * as Disk from '../../../server/storage/disk.ts';
import type { StorageLimits } from '../../../server/storage/inventory.ts';
import { temporaryFolder } from '../support/harness.ts';
import { storedTask } from '../support/stored-task.ts';

/** A disk with room for so many models: what is opened to be written throws when it has no room, or is read-only. */
const disk = { models: Infinity, fault: 'ENOSPC', folder: '' };

/** Storage over such a disk: a copy of its modules, since those of other files have the real one. */
let openDiskStorage: typeof Disk.openDiskStorage;
beforeAll(async () => {
  vi.resetModules();
  vi.doMock('node:fs/promises', async (importOriginal) => {
    const files = await importOriginal<typeof filesystem>();
    const refuse = async () => {
      if (disk.folder === '') return;
      const stored = await files.readdir(join(disk.folder, 'tasks'));
      if (stored.length >= disk.models)
        throw Object.assign(new Error(`${disk.fault}: write`), { code: disk.fault });
    };
    return {
      ...files,
      open: async (path: string, flags: string) => {
        if (flags === 'wx') await refuse();
        return files.open(path, flags);
      },
      writeFile: async (path: string, content: string, options: object) => {
        await refuse();
        await files.writeFile(path, content, options);
      },
    };
  });
  ({ openDiskStorage } = await import('../../../server/storage/disk.ts'));
});
afterAll(() => {
  vi.doUnmock('node:fs/promises');
  vi.resetModules();
});

async function open(limits: StorageLimits) {
  const folder = await temporaryFolder();
  const storage = await openDiskStorage(folder, pino({ level: 'silent' }), limits);
  onTestFinished(() => storage.close());
  onTestFinished(() => void Object.assign(disk, { models: Infinity, fault: 'ENOSPC', folder: '' }));
  disk.folder = folder;
  const kept = async () => (await readdir(join(folder, 'tasks'))).sort();
  return { folder, storage, kept };
}

const ids = (...numbers: number[]) => numbers.map((number) => storedTask(number).record.id).sort();

test('on a full disk the task used least goes for a new one, before the limit of bytes is reached', async () => {
  const { storage, kept, folder } = await open({ bytes: 1_000_000, days: 0 });
  for (const number of [1, 2, 3]) await storage.write(storedTask(number));
  disk.models = 3;
  await storage.read(storedTask(1).record.id);
  expect(await storage.state()).toMatchObject({ readable: true, writable: true });
  await storage.write(storedTask(4));
  expect(await kept()).toEqual(ids(1, 3, 4));
  expect(storage.stats?.()).toMatchObject({ tasks: 3, evicted: 1 });
  expect(await readdir(join(folder, 'temporary'))).toEqual([]);
});

test('a disk that others have filled costs a few tasks at most, and the write fails', async () => {
  const { storage, kept } = await open({ bytes: 10_000_000, days: 0 });
  for (let number = 0; number < 12; number++) await storage.write(storedTask(number));
  disk.models = 0;
  await expect(storage.write(storedTask(99))).rejects.toThrow('ENOSPC');
  expect((await kept()).length).toBeGreaterThanOrEqual(5);
});

test('without a limit of bytes no task goes for another one: a full disk is not writable, and is read', async () => {
  const { storage, kept } = await open({ bytes: 0, days: 0 });
  await storage.write(storedTask(1));
  disk.models = 1;
  await expect(storage.write(storedTask(2))).rejects.toThrow('ENOSPC');
  expect(await kept()).toEqual(ids(1));
  expect(await storage.state()).toMatchObject({ readable: true, writable: false });
  expect(await storage.read(storedTask(1).record.id)).toBeDefined();
});

test('a read-only disk is read', async () => {
  const { storage, kept } = await open({ bytes: 1_000_000, days: 0 });
  await storage.write(storedTask(1));
  Object.assign(disk, { models: 0, fault: 'EROFS' });
  await expect(storage.write(storedTask(2))).rejects.toThrow('EROFS');
  expect(await kept()).toEqual(ids(1));
  expect(await storage.state()).toMatchObject({ readable: true, writable: false });
});
