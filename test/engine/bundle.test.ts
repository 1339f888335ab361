import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
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

  /** What a process with another temporary folder makes of a script, and whether it is left when that has ended. */
  async function bundledIn(temporary: string): Promise<{ file: string; isLeft: boolean }> {
    const bundler = fileURLToPath(new URL('../../engine/bundle.ts', import.meta.url));
    await writeFile(
      folder('makes.mts'),
      `import { existsSync } from 'node:fs';
       import { bundleScript } from ${JSON.stringify(bundler)};
       const file = await bundleScript(${JSON.stringify(`${fixtures}/told.ts`)});
       if (existsSync(file)) console.log(file);`,
    );
    const env = { ...process.env, TMPDIR: temporary };
    const { stdout } = await run(process.execPath, [await bundleScript(folder('makes.mts'))], { env });
    const file = stdout.trim();
    return { file, isLeft: existsSync(file) };
  }

  test('is made once for all processes of a user, where only that user can change it', async () => {
    const script = `${fixtures}/told.ts`;
    const here = await bundleScript(script);
    expect(await bundleScript(script)).toBe(here);
    const temporary = folder('shared');
    await mkdir(temporary);
    const first = await bundledIn(temporary);
    expect(first).toEqual({ file: expect.stringMatching(/\.mjs$/) as string, isLeft: true });
    expect(await bundledIn(temporary)).toEqual(first);
    expect((await stat(dirname(dirname(first.file)))).mode & 0o777).toBe(0o700);
  });

  test('is made for one process, and gone with it, where others could change what is kept', async () => {
    const temporary = folder('taken');
    await mkdir(temporary);
    const { file } = await bundledIn(temporary);
    await chmod(dirname(dirname(file)), 0o777);
    const own = await bundledIn(temporary);
    expect(own.file).toMatch(/\.mjs$/);
    expect(dirname(dirname(own.file))).not.toBe(dirname(dirname(file)));
    expect(own.isLeft).toBe(false);
  });

  test('is made again when its file was removed, and only then within a process', async () => {
    const script = folder('again.ts');
    await writeFile(script, "console.log('first');");
    const told = async (): Promise<string> =>
      (await run(process.execPath, [await bundleScript(script)])).stdout;
    expect(await told()).toBe('first\n');
    await writeFile(script, "console.log('second');");
    expect(await told()).toBe('first\n'); // a process keeps to what it began with
    await rm(await bundleScript(script));
    expect(await told()).toBe('second\n');
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
