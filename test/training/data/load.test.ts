import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { partOf, splitClasses } from '../../../training/data/class-splits.ts';
import type { ClassedDomain, ImageDomain, Split } from '../../../training/data/domain.ts';
import { listClasses, loadDomain } from '../../../training/data/load.ts';
import { sourceSchema } from '../../../training/data/source.ts';
import type { Source } from '../../../training/data/source.ts';
import { sharedFolder } from '../../support/shared-folder.ts';

const root = sharedFolder();
let cacheFolder: string;
beforeAll(() => {
  cacheFolder = root('cache');
});

/** A PNG of one colour. */
function plain(grey: number, side = 6): Promise<Buffer> {
  const background = { r: grey, g: grey, b: grey };
  return sharp({ create: { width: side, height: side, channels: 3, background } })
    .png()
    .toBuffer();
}

const greys = (domain: ImageDomain, name: string): number[] => {
  const { first, count } = domain.classes.find((own) => own.name === name)!;
  return Array.from({ length: count }, (_, index) => domain.pixels[(first + index) * 3 * domain.size ** 2]!);
};

/** Rows of split, class, grey value. */
async function writePack(
  name: string,
  rows: readonly (readonly [string, string, number])[],
): Promise<Source> {
  const images = await Promise.all(rows.map(([, , grey]) => plain(grey)));
  let offset = 0;
  const lines = rows.map(([split, own, grey], index) => {
    const line = [split, own, `${grey}.png`, offset, images[index]!.length].join('\t');
    offset += images[index]!.length;
    return line;
  });
  await writeFile(root(`${name}.bin`), Buffer.concat(images));
  await writeFile(root(`${name}.tsv`), lines.join('\n') + '\n');
  return { kind: 'pack', name, path: root() };
}

describe('a pack', () => {
  it('is decoded once, grouped by class, then read from the cache', async () => {
    const source = await writePack('small', [
      ['train', 'cat', 10],
      ['test', 'dog', 20],
      ['train', 'cat', 30],
    ]);
    const calls: string[] = [];
    const progress = (done: number, total: number) => calls.push(`${done}/${total}`);
    const domain = await loadDomain(source, 5, { cacheFolder, progress });
    expect(domain.classes).toEqual([
      { name: 'cat', split: 'train', first: 0, count: 2 },
      { name: 'dog', split: 'test', first: 2, count: 1 },
    ]);
    expect(greys(domain, 'cat')).toEqual([10, 30]);
    expect(greys(domain, 'dog')).toEqual([20]);
    expect(calls).toEqual(['1/3', '2/3', '3/3']);
    expect(await loadDomain(source, 5, { cacheFolder, progress })).toEqual(domain);
    expect(calls.length).toBe(3);
    expect((await readdir(cacheFolder)).sort()).toEqual(
      [`${domain.fingerprint}.bin`, `${domain.fingerprint}.json`].sort(),
    );
    expect((await loadDomain(source, 6, { cacheFolder })).fingerprint).not.toBe(domain.fingerprint);
  });

  it('is the same in a copy with other times, and another with other bytes', async () => {
    const source = await writePack('copied', [['train', 'cat', 10]]);
    const { fingerprint } = await loadDomain(source, 5, { cacheFolder });
    await utimes(root('copied.tsv'), 1, 1);
    await utimes(root('copied.bin'), 1, 1);
    expect((await loadDomain(source, 5, { cacheFolder })).fingerprint).toBe(fingerprint);
    await writePack('copied', [['train', 'cat', 11]]);
    expect((await loadDomain(source, 5, { cacheFolder })).fingerprint).not.toBe(fingerprint);
  });

  it('shares its pixels with worker threads', async () => {
    const source = await writePack('shared', [['train', 'cat', 10]]);
    for (const domain of [
      await loadDomain(source, 4, { cacheFolder }),
      await loadDomain(source, 4, { cacheFolder }), // from the cache
    ]) {
      const code = `const { workerData, parentPort } = require('node:worker_threads');
        workerData.pixels[0] = 99; parentPort.postMessage('written');`;
      const worker = new Worker(code, { eval: true, workerData: domain });
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      expect(domain.pixels[0]).toBe(99);
      await worker.terminate();
    }
  });

  it('that is malformed says where', async () => {
    const load = (source: Source) => loadDomain(source, 4, { cacheFolder });
    await expect(
      load(
        await writePack('both', [
          ['train', 'cat', 1],
          ['val', 'cat', 2],
        ]),
      ),
    ).rejects.toThrow('both.tsv:2: class cat is in two splits');
    await expect(load(await writePack('wrong', [['training', 'cat', 1]]))).rejects.toThrow('wrong.tsv:1');
    const short = await writePack('short', [['train', 'cat', 1]]);
    await writeFile(root('short.bin'), 'x');
    await expect(load(short)).rejects.toThrow('short.tsv:1: reaches beyond the end');
    const broken = await writePack('broken', [['train', 'cat', 1]]);
    await writeFile(root('broken.bin'), Buffer.alloc(1000));
    await expect(load(broken)).rejects.toThrow('broken.tsv:1 (cat/1.png): not a JPEG');
    await expect(load({ kind: 'pack', name: 'absent', path: root() })).rejects.toThrow(
      `pack absent: there is no ${root('absent.bin')}; packs are not in this repository`,
    );
  });

  it('a damaged cache is an error, not a silent new start', async () => {
    const source = await writePack('damaged', [['train', 'cat', 10]]);
    const { fingerprint } = await loadDomain(source, 4, { cacheFolder });
    await writeFile(join(cacheFolder, `${fingerprint}.bin`), 'x');
    await expect(loadDomain(source, 4, { cacheFolder })).rejects.toThrow('1 bytes instead of 48');
    await writeFile(join(cacheFolder, `${fingerprint}.json`), '{');
    await expect(loadDomain(source, 4, { cacheFolder })).rejects.toThrow('not a domain index');
  });
});

describe('a folder', () => {
  it('has a class a subfolder, split by the fractions', async () => {
    const path = root('photos');
    for (const index of Array.from({ length: 10 }, (_, own) => own)) {
      await mkdir(join(path, `c${index}`), { recursive: true });
      await writeFile(join(path, `c${index}`, 'b.png'), await plain(100 + index));
      await writeFile(join(path, `c${index}`, 'a.png'), await plain(index));
    }
    await writeFile(join(path, 'c0', '.hidden'), '');
    const source: Source = { kind: 'folder', name: 'photos', path, splits: { val: 0.2, test: 0.3 } };
    const domain = await loadDomain(source, 4, { cacheFolder });
    expect(domain.classes.map((own) => own.name)).toEqual(Array.from({ length: 10 }, (_, own) => `c${own}`));
    expect(greys(domain, 'c3')).toEqual([3, 103]);
    const counted = (split: string) => domain.classes.filter((own) => own.split === split).length;
    expect([counted('train'), counted('val'), counted('test')]).toEqual([5, 2, 3]);
  });
});

describe('drawn domains', () => {
  const shade = (domain: ImageDomain, image: number): number[] => {
    const length = 3 * domain.size ** 2;
    return [...domain.pixels.subarray(image * length, (image + 1) * length)];
  };

  it.each([
    [
      'icons',
      {
        kind: 'icons',
        name: 'icons',
        packages: ['@iconify-json/heroicons', '@iconify-json/lucide', '@iconify-json/bi'],
      },
      ['camera', 'bell'],
    ],
    [
      'glyphs',
      { kind: 'glyphs', name: 'glyphs', packages: ['@fontsource/abel', '@fontsource/anton'] },
      ['A', '7'],
    ],
  ] as const)('%s: twenty different samples a class, dark on light', async (_, given, expected) => {
    const source = sourceSchema.parse(given);
    const domain = await loadDomain(source, 16, { cacheFolder });
    const names = domain.classes.map((own) => own.name);
    expect(names).toEqual(expect.arrayContaining([...expected]));
    expect(new Set(names).size).toBe(names.length);
    for (const { first, count } of domain.classes) {
      expect(count).toBe(20);
      const samples = Array.from({ length: count }, (_, index) => shade(domain, first + index));
      expect(new Set(samples.map((sample) => sample.join())).size).toBe(20);
      for (const sample of samples) {
        expect(Math.max(...sample)).toBeGreaterThan(180);
        expect(Math.min(...sample)).toBeLessThan(170); // something is drawn
      }
    }
    const again = await listClasses(source);
    expect(again.map(({ name }) => name)).toEqual(names);
    for (const [at, { images }] of again.entries()) {
      const sample = at % images.length;
      const painted = await images[sample]!.read(domain.size);
      expect([...painted]).toEqual(shade(domain, domain.classes[at]!.first + sample));
    }
  });

  it('name a package that is not installed', async () => {
    const source: Source = { kind: 'icons', name: 'icons', packages: ['@iconify-json/not-there'] };
    await expect(loadDomain(source, 8, { cacheFolder })).rejects.toThrow('npm i -D @iconify-json/not-there');
  });
});

describe('listClasses', () => {
  it('gives a part: of one split, at most so many of each, whatever their order', async () => {
    const source = sourceSchema.parse({ kind: 'glyphs', name: 'glyphs', packages: ['@fontsource/abel'] });
    const all = await listClasses(source);
    const test = await listClasses(source, { split: 'test', mostClasses: 5 });
    expect(test.map(({ split }) => split)).toEqual(['test', 'test', 'test', 'test', 'test']);
    const names = (classes: readonly { readonly name: string }[]): string[] =>
      classes.map(({ name }) => name);
    const tests = names(all.filter(({ split }) => split === 'test'));
    expect(names(test)).toEqual(tests.filter((name) => names(test).includes(name)));
    expect(names(test)).not.toEqual(tests.slice(0, 5));
    expect(await listClasses(source, { mostClasses: 5 })).toHaveLength(15);
  });
});

describe('splitClasses', () => {
  const names = Array.from({ length: 100 }, (_, index) => `class ${index}`);

  it('is 60/15/25 and does not depend on the order of the names', () => {
    const split = splitClasses(names);
    const counted = (own: string) => [...split.values()].filter((value) => value === own).length;
    expect([counted('train'), counted('val'), counted('test')]).toEqual([60, 15, 25]);
    expect(new Map([...splitClasses([...names].reverse())].sort())).toEqual(new Map([...split].sort()));
  });
});

describe('partOf', () => {
  const splitOf = (index: number): Split => (index < 5 ? 'test' : index < 8 ? 'val' : 'train');
  const classes = Array.from({ length: 28 }, (_, index) => ({
    name: `class ${index}`,
    split: splitOf(index),
    first: 3 * index,
    count: 3,
  }));
  const domain = { name: 'a', classes };
  const trainingOf = (own: ClassedDomain): string[] =>
    own.classes.filter(({ split }) => split === 'train').map(({ name }) => name);

  it('gives every training class to one part and leaves the other splits to both', () => {
    const parts = (['classified', 'drawn'] as const).map((part) => partOf(domain, part, 0.6));
    expect(parts.map((part) => trainingOf(part).length)).toEqual([12, 8]);
    expect(new Set(parts.flatMap(trainingOf)).size).toBe(20);
    for (const part of parts)
      expect(part.classes.filter(({ split }) => split !== 'train')).toEqual(classes.slice(0, 8));
  });

  it('does not depend on the order of the classes', () => {
    const reversed = { name: 'a', classes: classes.toReversed() };
    expect(trainingOf(partOf(reversed, 'drawn', 0.6)).toSorted()).toEqual(
      trainingOf(partOf(domain, 'drawn', 0.6)).toSorted(),
    );
  });

  it('parts the images of every class where these are split, and leaves all to tasks where too few would be left', () => {
    const held = (count: number) => ({
      name: 'a',
      classes: [0, 1, 2].flatMap((i) => [
        { name: `class ${i}`, split: 'train' as const, first: 30 * i, count },
        { name: `class ${i}`, split: 'test' as const, first: 30 * i + count, count: 5 },
      ]),
    });
    const placesOf = (own: ClassedDomain) =>
      own.classes.filter(({ split }) => split === 'train').map(({ first, count }) => [first, count]);
    const [taught, drawn] = (['classified', 'drawn'] as const).map((part) => partOf(held(20), part, 0.6));
    expect(placesOf(taught!)).toEqual([
      [0, 12],
      [30, 12],
      [60, 12],
    ]);
    expect(placesOf(drawn!)).toEqual([
      [12, 8],
      [42, 8],
      [72, 8],
    ]);
    expect(drawn!.classes.filter(({ split }) => split === 'test')).toHaveLength(3);
    expect(placesOf(partOf(held(3), 'drawn', 0.6))).toEqual(placesOf(held(3)));
  });

  it('has no classified class where the share is 0', () => {
    expect(trainingOf(partOf(domain, 'classified', 0))).toEqual([]);
    expect(trainingOf(partOf(domain, 'drawn', 0))).toHaveLength(20);
  });
});

describe('sourceSchema', () => {
  it.each([
    { kind: 'zip', name: 'a', path: 'b' },
    { kind: 'pack', name: '../a', path: 'b' },
    { kind: 'pack', name: 'a', path: 'b', size: 3 },
    { kind: 'folder', name: 'a', path: 'b', splits: { val: 0.6, test: 0.6 } },
    { kind: 'icons', name: 'a', packages: ['left-pad'] },
    { kind: 'glyphs', name: 'a', packages: [] },
  ])('refuses %j', (given) => {
    expect(sourceSchema.safeParse(given).success).toBe(false);
  });
});
