import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { leastClasses, surveyImages } from '../../../training/own-images/survey.ts';
import { sharedFolder } from '../../support/shared-folder.ts';

const root = sharedFolder();

/** Folders of empty files, which a survey does not open: the number of each class by its path. */
async function write(name: string, counts: Readonly<Record<string, number>>): Promise<string> {
  for (const [folder, count] of Object.entries(counts)) {
    await mkdir(root(name, folder), { recursive: true });
    for (let i = 0; i < count; i++) await writeFile(root(name, folder, `${i}.jpg`), '');
  }
  return root(name);
}

const classes = (count: number, images: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`class ${i}`, images]));

describe('a survey of own images', () => {
  it('is of one domain where every folder is a class, which holds out classes where there are enough', async () => {
    const path = await write('Meine Höfe', classes(leastClasses, 2));
    expect(await surveyImages(path)).toEqual({
      domains: [{ name: 'Meine-Hofe', path, heldOut: 'classes' }],
      warnings: [],
    });
    const fewer = await surveyImages(await write('fewer', classes(leastClasses - 1, 6)));
    expect(fewer.domains[0]!.heldOut).toBe('images');
  });

  it('is of a domain for each folder where every folder has a folder a class', async () => {
    const path = await write('nested', { 'a/x': 6, 'a/y': 6, 'b & c/x': 6, 'b & c/z': 6 });
    const { domains } = await surveyImages(`${path}/`);
    expect(domains.map(({ name, path: own }) => [name, own])).toEqual([
      ['a', join(path, 'a')],
      ['b-c', join(path, 'b & c')],
    ]);
  });

  it('warns of classes that have too few images', async () => {
    const many = await surveyImages(await write('many', { ...classes(leastClasses, 2), lonely: 1 }));
    expect(many.warnings).toEqual(['many: classes of fewer than 2 images are in no task: lonely 1']);
    const three = await surveyImages(await write('three', { a: 6, b: 7, c: 5 }));
    expect(three.warnings).toEqual([
      'three: classes of fewer than 6 images only train, or are in no task: c 5',
    ]);
  });

  it.each([
    ['flat', { '.': 3 }, 'has 3 files, but no folders: put the images of each class'],
    ['single', { cat: 9 }, 'has one class, cat: a task tells classes apart'],
    ['ones', { cat: 1, dog: 1, eel: 1 }, 'has 3 classes (cat 1, dog 1, eel 1): with fewer than 10'],
    ['mixed', { cat: 3, 'dogs/pug': 3 }, 'mixes two layouts: cat has files in it, dogs has folders'],
    ['split', { 'train/cat': 3, 'Test/cat': 3 }, 'is split already (Test, train)'],
    ['twins', { 'a b/x': 6, 'a b/y': 6, 'a-b/x': 6, 'a-b/y': 6 }, 'two folders are called a-b'],
  ])('refuses %s in two lines at most that say how the folder must be', async (name, counts, told) => {
    const error = await surveyImages(await write(name, counts as unknown as Record<string, number>)).catch(
      (caught: unknown) => caught as Error,
    );
    expect((error as Error).message).toContain(told);
    expect((error as Error).message.split('\n').length).toBeLessThanOrEqual(2);
  });

  it('names a folder that is not there', async () => {
    await expect(surveyImages(root('absent'))).rejects.toThrow(`there is no folder ${root('absent')}`);
  });
});
