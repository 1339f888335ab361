import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { bundleScript, bundleWorker } from '../../engine/bundle.ts';
import { sharedFolder } from '../support/shared-folder.ts';

const run = promisify(execFile);
const folder = sharedFolder();
const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url));

describe('a bundled script', () => {
  test('runs without tsx, and knows its place, its words, its packages and its lines', async () => {
    const file = await bundleScript(`${fixtures}/told.ts`);
    const { stdout } = await run(process.execPath, ['--enable-source-maps', file, 'one', 'two']);
    const { stack, ...told } = JSON.parse(stdout) as Record<string, unknown>;
    expect(told).toEqual({
      folder: fixtures,
      beside: expect.any(Number) as number,
      words: ['one', 'two'],
      zodVersion: 'string',
      later: 'on demand',
    });
    expect(stack).toMatch(/at fail .*fixtures\/told\.ts:8:/);
  });

  test('is made once in a process, and gone with it', async () => {
    const script = `${fixtures}/told.ts`;
    expect(await bundleScript(script)).toBe(await bundleScript(script));
    const bundler = fileURLToPath(new URL('../../engine/bundle.ts', import.meta.url));
    const code = `import { bundleScript } from ${JSON.stringify(bundler)};
      console.log(await bundleScript(${JSON.stringify(script)}));`;
    await writeFile(folder('makes.mts'), code);
    const { stdout } = await run(process.execPath, [await bundleScript(folder('makes.mts'))]);
    expect(stdout).toMatch(/\.mjs\n$/);
    expect(existsSync(stdout.trim())).toBe(false);
  });

  test('misses a package that is not installed where it is imported, not before', async () => {
    const script = folder('optional.ts');
    await writeFile(script, "await import('not-installed').catch(({ code }) => console.log(code));");
    const { stdout } = await run(process.execPath, [await bundleScript(script)]);
    expect(stdout).toBe('ERR_MODULE_NOT_FOUND\n');
  });

  test('that does not compile is an error, and is tried again', async () => {
    const script = folder('broken.ts');
    await writeFile(script, "import './missing.ts';");
    await expect(bundleScript(script)).rejects.toThrow('missing.ts');
    await writeFile(folder('missing.ts'), "console.log('there');");
    const { stdout } = await run(process.execPath, [await bundleScript(script)]);
    expect(stdout).toBe('there\n');
  });
});

test('the bundle of a worker is a module with what starts it and its jobs', async () => {
  const url = await bundleWorker(pathToFileURL(`${fixtures}/jobs.ts`).href);
  expect(url).toMatch(/^file:.*\.mjs$/);
  expect(await bundleWorker(pathToFileURL(`${fixtures}/jobs.ts`).href)).toBe(url);
});
