import { spawnSync } from 'node:child_process';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseConfiguration } from '../../../server/configuration.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import { FolderInUseError, FolderLock } from '../../../server/storage/lock.ts';
import { openStorage } from '../../../server/storage/open.ts';
import { temporaryFolder } from '../support/harness.ts';

const logger = pino({ level: 'silent' });

/** Leaves the lock of a process that was killed. */
function leaveLock(folder: string): void {
  const script = `require('net').createServer().listen(${JSON.stringify(join(folder, 'lock'))}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(spawnSync(process.execPath, ['-e', script]).signal).toBe('SIGKILL');
}

describe('the lock of a data folder', () => {
  test('refuses a second process with a clear error, and leaves the drafts of the first one', async () => {
    const folder = await temporaryFolder();
    const first = await openDiskStorage(folder, logger);
    onTestFinished(() => first.close());
    await mkdir(join(folder, 'temporary', 'draft'));
    const second = openStorage(parseConfiguration({ MNAS_DATA_DIR: folder }), logger);
    await expect(second).rejects.toThrow(
      `MNAS_STORAGE: disk cannot be used (another process works with the folder ${folder})`,
    );
    expect(await readdir(join(folder, 'temporary'))).toEqual(['draft']);
    await first.close();
    const third = await openDiskStorage(folder, logger);
    await third.close();
    expect(await readdir(folder)).not.toContain('lock');
  });

  test.each(Array.from({ length: 8 }, (_, round) => round))(
    'ends with its process, and is taken by one of several that start after it, round %d',
    async (round) => {
      const folder = await temporaryFolder();
      leaveLock(folder);
      const locks = Array.from({ length: 6 }, () => new FolderLock(folder, logger));
      // some come while others are about to take the old lock away
      const taken = await Promise.allSettled(
        locks.map((lock, i) => setTimeout(i * round * 10).then(() => lock.take())),
      );
      for (const lock of locks) onTestFinished(() => lock.release());
      const refused = taken.filter(({ status }) => status === 'rejected');
      expect(refused).toHaveLength(5);
      for (const outcome of refused)
        expect(outcome).toMatchObject({ reason: expect.any(FolderInUseError) as Error });
      expect(await readdir(folder)).toEqual(['lock']);
    },
  );

  test('is taken where a process was killed while it took the lock of another away', async () => {
    const folder = await temporaryFolder();
    leaveLock(folder);
    const turn = join(folder, 'lock-clearing');
    await mkdir(turn);
    const waiting = new FolderLock(folder, logger);
    await expect(waiting.take()).rejects.toThrow(FolderInUseError); // it may still be at it
    await utimes(turn, new Date(0), new Date(0));
    const lock = new FolderLock(folder, logger);
    await lock.take();
    onTestFinished(() => lock.release());
    expect(await readdir(folder)).toEqual(['lock']);
  });

  test('a file in its place is no lock', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'lock'), '');
    const storage = await openDiskStorage(folder, logger);
    await storage.close();
  });

  test('a folder that cannot be locked is used without, and that is logged', async () => {
    const folder = join(await temporaryFolder(), 'long'.repeat(40));
    const log: string[] = [];
    const storage = await openDiskStorage(folder, pino({}, { write: (line) => log.push(line) }));
    onTestFinished(() => storage.close());
    expect(log.join()).toContain('the data folder cannot be locked');
    expect(await storage.state()).toMatchObject({ writable: true });
  });
});
