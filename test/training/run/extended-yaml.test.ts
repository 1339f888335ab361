import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readExtendedYaml } from '../../../training/run/extended-yaml.ts';
import { sharedFolder } from '../../support/shared-folder.ts';

const folder = sharedFolder();

const write = async (name: string, text: string): Promise<string> => {
  const path = folder(name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
};

describe('a YAML file that extends another', () => {
  it('has what it says differently, merged into mappings, in place of lists, along a chain over folders', async () => {
    await write('base.yaml', 'a: 1\nb: { c: 2, d: { e: 3, f: 4 } }\nlist: [1, 2, 3]\n');
    await write('rows/middle.yaml', 'extends: ../base.yaml\nb: { d: { e: 5 } }\n');
    const last = await write('rows/last.yaml', 'extends: middle.yaml\nlist: [9]\nb: { c: null }\ng: x\n');
    const { content, fileOf } = await readExtendedYaml(last);
    expect(content).toEqual({
      a: 1,
      b: { c: null, d: { e: 5, f: 4 } },
      list: [9],
      g: 'x',
    });
    expect([['g'], ['b', 'd', 'e'], ['b', 'd', 'f'], ['nowhere']].map(fileOf)).toEqual(
      ['rows/last.yaml', 'rows/middle.yaml', 'base.yaml', 'rows/last.yaml'].map((name) => folder(name)),
    );
  });

  it('may be named by an absolute path, or one of the user’s folder', async () => {
    const base = await write('elsewhere/base.yaml', 'a: 1\n');
    const absolute = await write('absolute.yaml', `extends: ${base}\nb: 2\n`);
    expect((await readExtendedYaml(absolute)).content).toEqual({ a: 1, b: 2 });
    vi.stubEnv('HOME', folder('elsewhere'));
    const home = await write('home.yaml', 'extends: ~/base.yaml\nb: 3\n');
    expect((await readExtendedYaml(home)).content).toEqual({ a: 1, b: 3 });
  });

  it('names the line that is no YAML', async () => {
    const path = await write('broken.yaml', 'a: 1\nb: [1, 2\nc: 3\n');
    await expect(readExtendedYaml(path)).rejects.toThrow(/broken\.yaml:\d+:\d+: no YAML: [^\n]+$/);
  });

  it('names the file that extends a missing one, and a missing file itself', async () => {
    const path = await write('orphan.yaml', 'extends: nowhere.yaml\n');
    await expect(readExtendedYaml(path)).rejects.toThrow(
      `${path} extends ${folder('nowhere.yaml')}, which is not there`,
    );
    const nowhere = folder('nowhere.yaml');
    await expect(readExtendedYaml(nowhere)).rejects.toThrow(`there is no ${nowhere}`);
  });

  it('refuses a circle, naming it', async () => {
    const one = await write('one.yaml', 'extends: two.yaml\n');
    const two = await write('two.yaml', 'extends: ./one.yaml\n');
    await expect(readExtendedYaml(one)).rejects.toThrow(`${one} > ${two} > ${one}`);
    const self = await write('self.yaml', 'extends: self.yaml\n');
    await expect(readExtendedYaml(self)).rejects.toThrow(`${self} > ${self}`);
  });

  it('refuses what is no path', async () => {
    for (const text of ['extends: 3\n', 'extends: [base.yaml]\n', "extends: ''\n", 'extends:\n'])
      await expect(readExtendedYaml(await write('odd.yaml', text))).rejects.toThrow(
        'extends must be the path',
      );
  });
});
