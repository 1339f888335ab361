import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fold, keyFrom } from '../../../model/random.ts';
import { drawBatch, trainingClasses } from '../../../training/classify/draw-batch.ts';
import { readBatch } from '../../../training/classify/read-batch.ts';
import type { BatchOptions } from '../../../training/classify/read-batch.ts';
import { encodeFloat16 } from '../../../model/trunk/float16.ts';
import type { PlaneDomain } from '../../../training/planes/plane-domain.ts';
import { sampleReader } from '../../../training/classify/samples.ts';
import type { ClassifiedDomain, SampleReader } from '../../../training/classify/samples.ts';
import type { ImageDomain } from '../../../training/data/domain.ts';

const images = 12;
const row = 4;
const teacher = 2;
/** Number i of an image's row: exact in float16. */
const valueOf = (domain: number, image: number, i: number): number => 256 * domain + 16 * image + i;

let folder: string;
let domains: ClassifiedDomain[];
let readers: SampleReader[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'm-nas-classify-'));
  const planes = await Promise.all([0, 1].map(writeDomain));
  domains = planes.map((domain) => ({ kind: 'planes', domain }));
  readers = domains.map(sampleReader);
});
afterAll(() => rm(folder, { recursive: true }));

/** Two training classes of six images. */
async function writeDomain(index: number): Promise<PlaneDomain> {
  const path = join(folder, `${index}.bin`);
  const rows = new Uint16Array(images * (row + teacher));
  const values = Float32Array.from(rows, (_, at) =>
    valueOf(index, Math.floor(at / (row + teacher)), at % (row + teacher)),
  );
  encodeFloat16(values, rows, 0);
  await writeFile(path, rows);
  return {
    name: `domain ${index}`,
    classes: [0, 6].map((first) => ({ name: `from ${first}`, split: 'train', first, count: 6 })),
    images: 12,
    views: { mirror: false, crops: 0, served: false },
    taps: [{ name: 'tap', shape: [1, 2, 2] }],
    teacher: { name: 'last', shape: [2, 1, 1] },
    fingerprint: '',
    pixelHash: '',
    path,
  };
}

const batch = (options: Partial<BatchOptions>) =>
  readBatch(keyFrom(3), trainingClasses(domains), readers, {
    size: 8,
    mixup: 0,
    smoothing: 0,
    ...options,
  });

describe('a batch', () => {
  it('has the rows, targets and teacher of the images that are drawn', () => {
    const drawn = drawBatch(fold(keyFrom(3), 'images'), trainingClasses(domains), 8);
    expect(new Set(drawn.map(({ domain }) => domain)).size).toBe(2);
    const numbers = (from: number, to: number): number[] =>
      drawn.flatMap(({ domain, image }) =>
        Array.from({ length: to - from }, (_, i) => valueOf(domain, image, from + i)),
      );
    const { images: rows, targets, teacher: features } = batch({});
    expect([...rows]).toEqual(numbers(0, row));
    expect([...features]).toEqual(numbers(row, row + teacher));
    expect([...targets]).toEqual(
      drawn.flatMap(({ label }) => [0, 1, 2, 3].map((own) => Number(own === label))),
    );
  });

  it('shares a part of each target among all classes', () => {
    const plain = batch({}).targets;
    const { targets } = batch({ smoothing: 0.2 });
    targets.forEach((target, at) => expect(target).toBeCloseTo(0.8 * plain[at]! + 0.05, 6));
  });

  it('mixes each image with the next, its targets and teacher in the same shares', () => {
    const plain = batch({});
    const mixed = batch({ mixup: 1 });
    const shareOf = (whole: Float32Array, mixture: Float32Array, at: number, next: number): number =>
      (mixture[at]! - whole[next]!) / (whole[at]! - whole[next]!);
    const share = shareOf(plain.images, mixed.images, 0, row);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    for (const name of ['images', 'targets', 'teacher'] as const) {
      const length = plain[name].length / 8;
      mixed[name].forEach((value, at) => {
        const next = plain[name][(at + length) % plain[name].length]!;
        expect(value).toBeCloseTo(share * plain[name][at]! + (1 - share) * next, 3);
      });
    }
  });
});

describe('images that a stem reads', () => {
  const size = 4;
  const length = 3 * size ** 2;
  const pixels = Uint8Array.from({ length: 2 * length }, (_, i) => (7 * i) % 251);
  const classes = [{ name: 'all', split: 'train', first: 0, count: 2 }] as const;
  const domain: ImageDomain = { name: 'images', size, pixels, classes, fingerprint: '' };
  const plain = { flip: false, crop: 0, colour: 0, rotateClasses: false };
  const read = (own: Partial<Extract<ClassifiedDomain, { kind: 'images' }>>, seed: number) => {
    const reader = sampleReader({ kind: 'images', domain, augmentation: plain, taught: null, ...own });
    const [into, teacher] = [new Float32Array(length), new Float32Array(reader.teacherLength)];
    reader.read({ image: 1, view: 0 }, keyFrom(seed), into, 0, teacher);
    return { into, teacher };
  };

  it('are seen whole without augmentation, and as the key says with it', () => {
    const own = pixels.subarray(length);
    read({}, 1).into.forEach((value, i) => expect(value).toBeCloseTo(own[i]! / 255, 6));
    const augmentation = { ...plain, crop: 0.4, colour: 0.3 };
    const seen = [1, 1, 2].map((seed) => read({ augmentation }, seed).into);
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]).not.toEqual(seen[2]);
    expect(seen[0]).not.toEqual(read({}, 1).into);
  });

  it('come with the features that the teacher has of them, or of their mirror images', async () => {
    const path = join(folder, 'taught.bin');
    const rows = new Uint16Array(4 * 3);
    encodeFloat16(
      Float32Array.from(rows, (_, i) => i),
      rows,
      0,
    );
    await writeFile(path, rows);
    const taught: PlaneDomain = {
      name: 'images',
      classes,
      images: 2,
      views: { mirror: true, crops: 0, served: false },
      taps: [{ name: 'tap', shape: [1, 1, 1] }],
      teacher: { name: 'last', shape: [2, 1, 1] },
      fingerprint: '',
      pixelHash: '',
      path,
    };
    expect([...read({ taught }, 1).teacher]).toEqual([7, 8]);
    const flips = Array.from({ length: 12 }, (_, seed) => {
      const { into, teacher } = read({ taught, augmentation: { ...plain, flip: true } }, seed);
      const mirrored = Math.abs(into[0]! - pixels[length]! / 255) > 1e-6;
      expect([...teacher]).toEqual(mirrored ? [10, 11] : [7, 8]);
      return mirrored;
    });
    expect(new Set(flips).size).toBe(2);
  });
});
