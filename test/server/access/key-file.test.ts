import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { KeyFile, KeyFileError } from '../../../server/access/key-file.ts';
import { parseKeys } from '../../../server/access/keys.ts';
import { temporaryFolder } from '../support/harness.ts';

const entry = (name: string) => `${name}:${'a'.repeat(64)}`;

test('keys of a file are replaced without a restart; a wrong or missing file changes nothing', async () => {
  const path = join(await temporaryFolder(), 'keys');
  const log: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => log.push(line) });
  const listed = parseKeys(entry('listed'));
  expect(() => new KeyFile(path, listed, logger)).toThrow(KeyFileError);
  expect(() => new KeyFile(path, listed, logger)).toThrow(/^MNAS_API_KEYS_FILE: /);
  await writeFile(path, `# of the shop\n${entry('old')}\n`);
  const keys = new KeyFile(path, listed, logger, 20);
  onTestFinished(() => keys.close());
  const names = () => keys.current.map(({ name }) => name);
  expect(names()).toEqual(['listed', 'old']);
  // as an orchestrator does it: another file is put in its place
  await writeFile(`${path}.new`, `${entry('old')}:read\n${entry('new')}:admin\n`);
  await rename(`${path}.new`, path);
  await vi.waitFor(() => expect(names()).toEqual(['listed', 'old', 'new']), 5000);
  await writeFile(path, 'new:secret');
  await vi.waitFor(() => expect(log.at(-1)).toContain('those before stay'), 5000);
  await rm(path);
  await vi.waitFor(() => expect(log.at(-1)).toContain('ENOENT'), 5000);
  expect(names()).toEqual(['listed', 'old', 'new']);
  expect(log.join('')).not.toContain('secret');
  await writeFile(path, entry('last'));
  await vi.waitFor(() => expect(names()).toEqual(['listed', 'last']), 5000);
});
