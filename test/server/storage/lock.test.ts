import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseConfiguration } from '../../../server/configuration.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import { openStorage } from '../../../server/storage/open.ts';
import { temporaryFolder } from '../support/harness.ts';

const logger = pino({ level: 'silent' });

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
