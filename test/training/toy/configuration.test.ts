import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readToyConfiguration } from '../../../training/toy/configuration.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'm-nas-toy-configuration-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('toy configurations', () => {
  it('in the repository all fit, and are named like their files', async () => {
    const files = await readdir('training/configs/toy');
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const { name } = await readToyConfiguration(join('training/configs/toy', file));
      expect(name).toBe(basename(file, '.yaml'));
    }
  });

  it('extend a file beside them by what they have differently', async () => {
    const write = (name: string, text: string) => writeFile(join(folder, name), text);
    await write(
      'base.yaml',
      'name: base\nseed: 4\nmethod: { kind: maml, learner: { width: 8, steps: 2 } }\nstages: [{ stage: search, iterations: 9 }]\n',
    );
    await write('middle.yaml', 'extends: base.yaml\nname: middle\nmethod: { learner: { width: 16 } }\n');
    await write('last.yaml', 'extends: middle.yaml\nname: last\nstages: [{ stage: tune, iterations: 1 }]\n');
    const { name, seed, method, stages } = await readToyConfiguration(join(folder, 'last.yaml'));
    expect({ name, seed }).toEqual({ name: 'last', seed: 4 });
    expect(method).toMatchObject({ kind: 'maml', learner: { width: 16, steps: 2 } });
    expect(stages).toMatchObject([{ stage: 'tune', iterations: 1 }]);
  });
});
