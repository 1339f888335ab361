import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { beforeAll, describe, expect, it } from 'vitest';
import { splitImages } from '../../../training/data/class-splits.ts';
import type { ImageDomain } from '../../../training/data/domain.ts';
import { located } from '../../../training/data/domains.ts';
import { loadDomain } from '../../../training/data/load.ts';
import type { LoadOptions } from '../../../training/data/load.ts';
import type { Source } from '../../../training/data/source.ts';
import { writeImages } from '../../support/image-folder.ts';
import { sharedFolder } from '../../support/shared-folder.ts';

const root = sharedFolder();
const load = (source: Source, options: Partial<LoadOptions> = {}): Promise<ImageDomain> =>
  loadDomain(source, 4, { cacheFolder: root('cache'), ...options });
const source = (name: string, more: object = {}): Source => ({
  kind: 'folder',
  name,
  path: root(name),
  ...more,
});

describe('a folder of images', () => {
  it('leaves out what desktops add, and classes without a file', async () => {
    await writeImages(root('litter'), { cat: 2, dog: 2 });
    await mkdir(root('litter', 'empty'));
    await mkdir(root('litter', '__MACOSX'));
    for (const name of ['Thumbs.db', 'desktop.ini', '.DS_Store'])
      await writeFile(root('litter', 'cat', name), '');
    const { classes } = await load(source('litter'));
    expect(classes.map(({ name, count }) => [name, count])).toEqual([
      ['cat', 2],
      ['dog', 2],
    ]);
  });

  it('says how it must be, where it is otherwise', async () => {
    await writeImages(root('flat'), { '.': 2 });
    await writeImages(root('deep'), { 'birds/owl': 2, 'birds/crow': 2 });
    await mkdir(root('nothing'));
    await writeFile(root('file'), '');
    await expect(load(source('absent'))).rejects.toThrow(`there is no folder ${root('absent')}`);
    await expect(load(source('flat'))).rejects.toThrow(
      'has 2 files, but no folders: put the images of each class',
    );
    await expect(load(source('deep'))).rejects.toThrow(`as ${root('deep', 'birds')}`);
    await expect(load(source('nothing'))).rejects.toThrow('is empty: it needs a folder a class');
    await expect(load(source('file'))).rejects.toThrow('is a file');
  });

  it('holds out images of every class where its splits are of images', async () => {
    await writeImages(root('few'), { cat: 20, dog: 8, eel: 5 });
    const { classes } = await load(source('few', { splits: { val: 0.15, test: 0.25, of: 'images' } }));
    expect(classes.map(({ name, split, count }) => `${name} ${split} ${count}`)).toEqual([
      'cat train 12',
      'cat val 3',
      'cat test 5',
      'dog train 4',
      'dog val 2',
      'dog test 2',
      'eel train 5', // too few to hold any out
    ]);
  });

  it('gives no class of one image a held-out place', async () => {
    const ones = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`one${i}`, 1]));
    await writeImages(root('ones'), { ...ones, cat: 2, dog: 2, eel: 2, fox: 2 });
    const { classes } = await load(source('ones', { splits: { val: 0.25, test: 0.25 } }));
    const held = classes.filter(({ split }) => split !== 'train');
    expect(held.map(({ count }) => count)).toEqual([2, 2]);
  });

  it('may lie in the user’s folder', () => {
    expect(located({ kind: 'folder', name: 'a', path: '~/photos' })).toMatchObject({
      path: `${homedir()}/photos`,
    });
  });
});

describe('splitImages', () => {
  it('does not depend on the order, and gives every part two images at least', () => {
    const names = Array.from({ length: 7 }, (_, i) => `image ${i}`);
    const split = splitImages(names, (name) => name, { val: 0.15, test: 0.25 });
    const counted = (own: string): number => [...split.values()].filter((value) => value === own).length;
    expect(['train', 'val', 'test'].map(counted)).toEqual([3, 2, 2]);
    expect(splitImages(names.toReversed(), (name) => name, { val: 0.15, test: 0.25 })).toEqual(split);
  });
});

describe('an image that cannot be decoded', () => {
  beforeAll(async () => {
    await writeImages(root('broken'), { cat: 3, dog: 3 });
    await writeFile(root('broken', 'cat', '01.png'), 'no image');
    await writeFile(root('broken', 'dog', 'notes.txt'), 'hello');
  });

  it('is left out with a warning, also when the cache answers, and the others stay', async () => {
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const first = await load(source('broken'), { warn });
    expect(first.classes.map(({ first: at, count }) => [at, count])).toEqual([
      [0, 2],
      [2, 3],
    ]);
    const greens = Array.from({ length: 5 }, (_, i) => first.pixels[(i * 3 + 1) * 16]);
    expect(greens).toEqual([0, 22, 0, 11, 22]);
    expect(await load(source('broken'), { warn })).toEqual(first);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toBe(warnings[1]);
    expect(warnings[0]).toMatch(
      /^broken: 2 images are left out.*\n.*cat\/01\.png: not a JPEG[^\n]*\n.*notes\.txt/,
    );
  });

  it('is an error where nobody hears of it, also when the cache answers', async () => {
    await expect(load(source('broken'))).rejects.toThrow(/cat\/01\.png: not a JPEG/);
    await expect(load(source('broken'), { cacheFolder: root('other') })).rejects.toThrow(
      /cat\/01\.png: not a JPEG/,
    );
  });

  it('is an error where no other is there', async () => {
    await mkdir(root('none', 'cat'), { recursive: true });
    await writeFile(root('none', 'cat', '01.png'), 'no image');
    await expect(load(source('none'), { warn: () => undefined })).rejects.toThrow(
      /none has no image that can be decoded; .*01\.png/,
    );
  });
});
