import { spawnSync } from 'node:child_process';
import { mkdir, readdir, utimes } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FolderInUseError, FolderLock } from '../../engine/folder-lock.ts';
import { sharedFolder } from '../support/shared-folder.ts';

const root = sharedFolder();
const neverTold = (reason: string) => expect.unreachable(reason);

/** A new folder with the lock of a process that was killed. */
async function folderOfKilled(name: string): Promise<string> {
  const folder = root(name);
  await mkdir(folder);
  const script = `require('net').createServer().listen(${JSON.stringify(`${folder}/lock`)}, () => process.kill(process.pid, 'SIGKILL'))`;
  expect(spawnSync(process.execPath, ['-e', script]).signal).toBe('SIGKILL');
  return folder;
}

describe('the lock of a folder', () => {
  test.each(Array.from({ length: 8 }, (_, round) => round))(
    'ends with its process, and is taken by one of several that start after it, round %d',
    async (round) => {
      const folder = await folderOfKilled(`round-${round}`);
      const locks = Array.from({ length: 6 }, () => new FolderLock(folder, neverTold));
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
    const folder = await folderOfKilled('clearing');
    const turn = `${folder}/lock-clearing`;
    await mkdir(turn);
    const waiting = new FolderLock(folder, neverTold);
    await expect(waiting.take()).rejects.toThrow(FolderInUseError); // it may still be at it
    await utimes(turn, new Date(0), new Date(0));
    const lock = new FolderLock(folder, neverTold);
    await lock.take();
    onTestFinished(() => lock.release());
    expect(await readdir(folder)).toEqual(['lock']);
  });
});
