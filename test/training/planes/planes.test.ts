import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Source } from '../../../training/data/source.ts';
import { preparePlanes } from '../../../training/planes/compute-planes.ts';
import type { PlaneOptions } from '../../../training/planes/compute-planes.ts';
import { planesConfigurationSchema } from '../../../training/planes/configuration.ts';
import type { PlaneDomain } from '../../../training/planes/plane-domain.ts';
import { PlaneReader } from '../../../training/planes/plane-reader.ts';
import type { PlaneRequest } from '../../../training/planes/plane-reader.ts';
import { writePoolingTrunk } from './pooling-trunk.ts';

let root: string;
let trunk: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'm-nas-planes-'));
  trunk = await writePoolingTrunk(root);
});
afterAll(() => rm(root, { recursive: true }));

/** The byte of channel c at (x, y) of image i. */
const byteOf = (i: number, c: number, x: number, y: number): number =>
  (37 * i + 50 * c + 9 * x + 5 * y) % 256;

const side = 8;

/** A folder of two classes, whose images have the trunk's side. */
async function writeFolder(name: string, images: number): Promise<Source> {
  for (let i = 0; i < images; i++) {
    const pixels = Uint8Array.from({ length: 3 * side * side }, (_, at) => {
      const pixel = Math.floor(at / 3);
      return byteOf(i, at % 3, pixel % side, Math.floor(pixel / side));
    });
    const folder = join(root, name, i % 2 === 0 ? 'even' : 'odd');
    await mkdir(folder, { recursive: true });
    await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
      .png()
      .toFile(join(folder, `${String(i).padStart(3, '0')}.png`));
  }
  return { kind: 'folder', name, path: join(root, name), splits: { val: 0, test: 0.5 } };
}

function prepare(
  sources: readonly Source[],
  cache: string,
  {
    views = {},
    planes = {},
    part,
    ...options
  }: {
    readonly views?: object;
    readonly planes?: object;
    readonly part?: object;
  } & Partial<PlaneOptions> = {},
): Promise<PlaneDomain[]> {
  const configuration = planesConfigurationSchema.parse({
    planes: { trunk, taps: ['quarters', 'pixels'], teacher: 'last', ...planes },
    domains: sources.map((source) => ({ source, views, part })),
    workers: 1,
  });
  return preparePlanes(configuration, { cacheFolder: join(root, cache), ...options });
}

function read(
  domain: PlaneDomain,
  requests: readonly PlaneRequest[],
): { readonly rows: Float32Array; readonly teacher: Float32Array } {
  const reader = new PlaneReader(domain);
  try {
    const rows = new Float32Array(requests.length * reader.rowLength);
    const teacher = new Float32Array(requests.length * reader.teacherLength);
    reader.rows(requests, rows, 0, teacher);
    return { rows, teacher };
  } finally {
    reader.close();
  }
}

/** Mean of channel c of an image over a square. */
function meanOf(i: number, c: number, left: number, top: number, length: number): number {
  let sum = 0;
  for (let y = top; y < top + length; y++)
    for (let x = left; x < left + length; x++) sum += byteOf(i, c, x, y) / 255;
  return sum / length ** 2;
}

/** The images of even number come first, each class in the order of its files. */
const numberOf = (image: number, images: number): number => {
  const even = Math.ceil(images / 2);
  return image < even ? 2 * image : 2 * (image - even) + 1;
};

const channels = [0, 1, 2];

describe('planes of a domain', () => {
  it('are rows of taps and teacher, a row for each view of each image, in float16', async () => {
    const source = await writeFolder('rows', 5);
    const [domain] = await prepare([source], 'rows-cache', { views: { mirror: true, crops: 1 } });
    const images = [4, 0, 3];
    const { rows, teacher } = read(
      domain!,
      images.map((image) => ({ image, view: 0 })),
    );
    const quarters = 12;
    const length = quarters + 3 * side ** 2;
    expect(rows.length).toBe(3 * length);
    images.forEach((image, index) => {
      const number = numberOf(image, 5);
      const row = rows.subarray(index * length, (index + 1) * length);
      for (const c of channels) {
        expect(teacher[3 * index + c]).toBeCloseTo(meanOf(number, c, 0, 0, side), 3);
        expect(row[4 * c + 1]).toBeCloseTo(meanOf(number, c, 4, 0, 4), 3);
        expect(row[quarters + (c * side + 2) * side + 7]).toBeCloseTo(byteOf(number, c, 7, 2) / 255, 3);
      }
    });
    const { rows: whole } = read(domain!, [{ image: 2, view: 0 }]);
    const { rows: mirror } = read(domain!, [{ image: 2, view: 1 }]);
    for (let at = quarters; at < length; at += side)
      expect([...mirror.subarray(at, at + side)].reverse()).toEqual([...whole.subarray(at, at + side)]);
    const { rows: crop } = read(domain!, [{ image: 2, view: 2 }]);
    expect(crop).not.toEqual(whole);
    expect(crop).not.toEqual(mirror);
  });

  it('of a finer tap are averaged down to a side, by halves', async () => {
    const source = await writeFolder('halved', 2);
    const [domain] = await prepare([source], 'halved-cache', { planes: { taps: ['pixels'], side: 2 } });
    expect(domain!.taps).toEqual([{ name: 'pixels', shape: [3, 2, 2] }]);
    const { rows } = read(domain!, [{ image: 1, view: 0 }]);
    for (const c of channels)
      for (const [at, [x, y]] of [
        [0, 0],
        [4, 0],
        [0, 4],
        [4, 4],
      ].entries())
        expect(rows[4 * c + at]).toBeCloseTo(meanOf(numberOf(1, 2), c, x!, y!, 4), 3);
    await expect(
      prepare([source], 'halved-cache', { planes: { taps: ['pixels'], side: 3 } }),
    ).rejects.toThrow('tap pixels: planes of 8 do not halve to 3');
  });

  it('are computed once', async () => {
    const source = await writeFolder('once', 3);
    const heard: string[] = [];
    const progress = (...of: readonly (string | number)[]) => void heard.push(of.join(' '));
    const first = await prepare([source], 'once-cache', { progress });
    expect(heard).toEqual(['once 0 3', 'once 3 3']);
    expect(await prepare([source], 'once-cache', { progress })).toEqual(first);
    expect(heard.length).toBe(2);
    const { fingerprint } = first[0]!;
    expect((await readdir(join(root, 'once-cache'))).sort()).toEqual([
      `${fingerprint}.bin`,
      `${fingerprint}.json`,
    ]);
    for (const other of [{ views: { mirror: true } }, { planes: { taps: ['pixels'] } }]) {
      const [changed] = await prepare([source], 'once-cache', other);
      expect(changed!.fingerprint).not.toBe(fingerprint);
      expect(changed!.pixelHash).toBe(first[0]!.pixelHash);
    }
  });

  it('go on where an interrupted computation was, to the same bytes', { tags: ['whole'] }, async () => {
    const source = await writeFolder('resumed', 70);
    const [whole] = await prepare([source], 'whole-cache');
    const stop = new AbortController();
    const options = { signal: stop.signal, progress: (_: string, done: number) => done > 0 && stop.abort() };
    await expect(prepare([source], 'resumed-cache', options)).rejects.toThrow('aborted');
    const counts: number[] = [];
    const progress = (_: string, done: number) => void counts.push(done);
    const [resumed] = await prepare([source], 'resumed-cache', { progress });
    expect(counts).toEqual([32, 64, 70]);
    expect(resumed!.pixelHash).toBe(whole!.pixelHash);
    expect(await readFile(resumed!.path)).toEqual(await readFile(whole!.path));
  });

  it('of a training class have other crops than of a test class, unless all are as served', async () => {
    const source = await writeFolder('crops', 4);
    const crops = async (views: object): Promise<Map<string, Float32Array>> => {
      const [domain] = await prepare([source], 'crops-cache', { views });
      const { classes } = domain!;
      return new Map(
        classes.map(({ split, first }) => [split, read(domain!, [{ image: first, view: 1 }]).rows]),
      );
    };
    const trained = await crops({ crops: 1 });
    const served = await crops({ crops: 1, served: true });
    expect([...trained.keys()].sort()).toEqual(['test', 'train']);
    expect(trained.get('test')).toEqual(served.get('test'));
    expect(trained.get('train')).not.toEqual(served.get('train'));
  });
});

describe('planes of a part', () => {
  it('are those of its classes alone', async () => {
    const source = await writeFolder('split', 6);
    const [all] = await prepare([source], 'split-cache');
    const [test] = await prepare([source], 'split-cache', { part: { split: 'test' } });
    const [own] = all!.classes.filter(({ split }) => split === 'test');
    expect(test!.classes).toEqual([{ ...own, first: 0 }]);
    const rows = (domain: PlaneDomain, first: number): Float32Array =>
      read(
        domain,
        [0, 1, 2].map((i) => ({ image: first + i, view: 0 })),
      ).rows;
    expect(rows(test!, 0)).toEqual(rows(all!, own!.first));
    const [one] = await prepare([source], 'split-cache', { part: { mostClasses: 1 } });
    expect(one!.classes).toEqual(all!.classes); // one of a split
  });
});

describe('what goes wrong with planes', () => {
  it('names the image that cannot be decoded, and computes no further, where nobody hears of it', async () => {
    const source = await writeFolder('broken', 3);
    await writeFile(join(root, 'broken', 'odd', '001.png'), 'no image');
    await expect(prepare([source], 'broken-cache')).rejects.toThrow(/broken\/odd\/001\.png: not a JPEG/);
  });

  it('leaves out the image that cannot be decoded, with a warning, as if it were not there', async () => {
    const source = await writeFolder('skipped', 70);
    const path = join(root, 'skipped', 'even', '004.png');
    await rm(path);
    const [without] = await prepare([source], 'without-cache', { views: { mirror: true } });
    await writeFile(path, 'no image');
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const views = { mirror: true };
    const stop = new AbortController(); // what is told of an image outlives an interruption
    const interrupted = {
      signal: stop.signal,
      progress: (_: string, done: number) => done > 0 && stop.abort(),
    };
    await expect(prepare([source], 'skipped-cache', { views, warn, ...interrupted })).rejects.toThrow(
      'aborted',
    );
    const [domain] = await prepare([source], 'skipped-cache', { views, warn });
    expect(domain!.classes).toEqual(without!.classes);
    expect(domain!.images).toBe(69);
    expect(await readFile(domain!.path)).toEqual(await readFile(without!.path));
    expect(await prepare([source], 'skipped-cache', { views, warn })).toEqual([domain]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(/^skipped: an image is left out.*\n.*skipped\/even\/004\.png: not a JPEG/);
    await expect(prepare([source], 'skipped-cache', { views })).rejects.toThrow('004.png');
  });

  it('names the taps that a trunk has', async () => {
    const source = await writeFolder('taps', 1);
    await expect(prepare([source], 'taps-cache', { planes: { taps: ['b7'] } })).rejects.toThrow(
      'trunk pooling has no b7, but pixels, quarters, last',
    );
  });

  it('tells the size of planes beyond the limit before any is computed', async () => {
    const sources = [await writeFolder('large', 4), await writeFolder('small', 2)];
    // 207 numbers of 2 bytes a row
    await expect(prepare(sources, 'large-cache', { planes: { maximumGigabytes: 2e-6 } })).rejects.toThrow(
      'the planes take 0.00 GB, more than maximumGigabytes of 0.000002 (large 0.00 GB, small 0.00 GB): ' +
        'take fewer crops, taps or domains',
    );
    await expect(readdir(join(root, 'large-cache'))).rejects.toThrow('ENOENT');
    await prepare(sources, 'large-cache', { planes: { maximumGigabytes: 2.5e-6 } });
  });

  it('refuses requests of other images, and a file that is cut short', async () => {
    const source = await writeFolder('short', 2);
    const [domain] = await prepare([source], 'short-cache');
    for (const request of [
      { image: 2, view: 0 },
      { image: 0, view: 1 },
      { image: -1, view: 0 },
      { image: 0.5, view: 0 },
    ])
      expect(() => read(domain!, [request])).toThrow(RangeError);
    const reader = new PlaneReader(domain!);
    const request = { image: 0, view: 0 };
    expect(() => reader.rows([request], new Float32Array(reader.rowLength), 1)).toThrow('do not fit');
    expect(() => reader.rows([request], new Float32Array(reader.rowLength), 0, new Float32Array(2))).toThrow(
      'do not fit',
    );
    reader.close();
    await truncate(domain!.path, 100);
    expect(() => new PlaneReader(domain!)).toThrow('100 bytes instead of 828; delete it');
  });
});
