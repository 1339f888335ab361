import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readSources } from '../../../training/data/sources-file.ts';
import { readTrainingConfiguration } from '../../../training/outer-loop/configuration.ts';
import { closest } from '../../../training/run/closest.ts';
import { sharedFolder } from '../../support/shared-folder.ts';

const folder = sharedFolder();

const write = async (name: string, text: string): Promise<string> => {
  await writeFile(folder(name), text);
  return folder(name);
};

const base = `name: a
seed: 1
model: {}
domains:
  - source: { kind: folder, name: mine, path: /mine }
stages:
  - { stage: search, iterations: 3, shapes: [{ way: 5, shot: 1, query: 5 }] }
`;

describe('a configuration that does not fit', () => {
  it.each([
    ['seed: 1', 'sed: 1', 'sed: unknown key; did you mean seed?\nand 1 more like it: mend this one first'],
    ['iterations: 3', 'iteratons: 3', 'stages[0].iteratons: unknown key; did you mean iterations?'],
    ['path: /mine', 'path: ~', 'domains[0].source.path: is empty, which ~ alone is too: string expected'],
    ['kind: folder', 'kind: foldr', 'domains[0].source.kind: must be one of pack, folder, icons, glyphs'],
    ['model: {}', 'model: { crop: 3 }', 'model.crop: unknown key; did you mean crops?'],
    ['model: {}', 'model: { zebra: 3 }', 'model.zebra: unknown key; known here: image, trunk,'],
    ['way: 5', 'way: five', 'stages[0].shapes[0].way: expected number, received string'],
    ['seed: 1\n', '', 'seed: is missing: number expected'],
  ])('%s written %s is told in two lines at most, with file, key and remedy', async (right, wrong, told) => {
    const path = await write('wrong.yaml', base.replace(right, wrong));
    const error = await readTrainingConfiguration(path).catch((caught: unknown) => caught as Error);
    expect((error as Error).message).toContain(`${path}: ${told}`);
    expect((error as Error).message.split('\n').length).toBeLessThanOrEqual(2);
  });

  it('names the file of the chain that says it', async () => {
    const wrong = await write('base.yaml', base.replace('iterations', 'iteratons'));
    const own = await write('own.yaml', 'extends: base.yaml\nsed: 2\n');
    await expect(readTrainingConfiguration(own)).rejects.toThrow(`${wrong}: stages[0].iteratons: unknown`);
  });

  it('is read where it does fit', async () => {
    expect((await readTrainingConfiguration(await write('right.yaml', base))).stages[0]!.iterations).toBe(3);
  });

  it('may be a list of sources', async () => {
    const path = await write('sources.yaml', '- { kind: folder, nme: a, path: b }\n');
    await expect(readSources(path)).rejects.toThrow(
      /sources\.yaml: \[0\]\.nme: unknown key; did you mean name\?/,
    );
  });
});

describe('the closest word', () => {
  it('differs by two letters at most, and never in all', () => {
    expect(closest('iteratons', ['stage', 'iterations'])).toBe('iterations');
    expect(closest('Seed', ['seed'])).toBe('seed');
    expect(closest('zebra', ['seed', 'stages'])).toBeUndefined();
    expect(closest('ab', ['xy'])).toBeUndefined();
  });
});
