import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleScript } from '../../engine/bundle.ts';
import { writeImages } from '../support/image-folder.ts';
import { sharedFolder } from '../support/shared-folder.ts';

const root = sharedFolder();
const run = promisify(execFile);

/** What a command of training/ says on stderr, and its exit code. */
async function failureOf(
  command: string,
  options: readonly string[],
): Promise<{ readonly code: number; readonly told: string }> {
  const script = await bundleScript(resolve(`training/${command}.ts`));
  return run(process.execPath, [script, ...options]).then(
    ({ stderr }) => ({ code: 0, told: stderr }),
    (error: unknown) => {
      const { code, stderr } = error as { readonly code: number; readonly stderr: string };
      return { code, told: stderr };
    },
  );
}

beforeAll(async () => {
  await mkdir(root('runs', 'mine'), { recursive: true });
  for (const state of ['state', 'classify'])
    await writeFile(root('runs', 'mine', `${state}.safetensors`), '');
  const base = resolve('training/configs/images/photos-lite0.yaml');
  const domains = `domains: [{ source: { kind: folder, name: gone, path: ${root('gone')} } }]`;
  await writeFile(root('mine.yaml'), `extends: ${base}\nname: mine\n${domains}\n`);
  await writeFile(root('typo.yaml'), `extends: mine.yaml\nsed: 3\n`);
  await writeImages(root('photos'), { cat: 1, dog: 1 });
});

describe('a mistake on the command line or in a file', () => {
  it.each([
    [
      'train',
      ['--config', 'mine.yaml'],
      /runs\/mine\/state\.safetensors exists: go on with --resume, or begin/,
    ],
    ['train', ['--config', 'typo.yaml'], /typo\.yaml: sed: unknown key; did you mean seed\?/],
    ['train', ['--images', 'photos'], /photos has 2 classes \(cat 1, dog 1\): with fewer than 10/],
    ['classify', ['--config', 'mine.yaml'], /runs\/mine\/classify\.safetensors exists: go on with --resume/],
    // past the refusal, to the images
    ['classify', ['--config', 'mine.yaml', '--overwrite'], /^there is no folder .*gone\n$/],
    ['evaluate', ['--checkpoint', 'none.safetensors'], /^there is no checkpoint .*none\.safetensors\n$/],
  ])('ends %s %j with a line or two, without a stack, and exit code 1', async (command, given, told) => {
    const options = given.map((option) => (option.startsWith('--') ? option : root(option)));
    const runs = command === 'evaluate' ? [] : ['--runs', root('runs')];
    const failure = await failureOf(command, [...options, ...runs]);
    expect(failure.code).toBe(1);
    expect(failure.told).toMatch(told);
    expect(failure.told.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
    expect(failure.told).not.toContain('    at ');
  });
});
