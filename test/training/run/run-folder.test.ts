import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { FolderInUseError } from '../../../engine/folder-lock.ts';
import { RunFolder } from '../../../training/run/run-folder.ts';
import { sharedFolder } from '../../support/shared-folder.ts';

const root = sharedFolder();

it('one run at a time trains in a folder, which is free when it ends, however it does', async () => {
  const folder = new RunFolder(root('run'));
  const done = await folder.alone(async () => {
    const second = new RunFolder(folder.path).alone(() => Promise.resolve('mixed'));
    await expect(second).rejects.toThrow(FolderInUseError);
    await expect(second).rejects.toThrow(`another process works with the folder ${folder.path}`);
    return 'first';
  });
  expect(done).toBe('first');
  await expect(folder.alone(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await folder.alone(() => readdir(folder.path))).toEqual(['lock']);
  expect(await readdir(folder.path)).toEqual([]);
});
