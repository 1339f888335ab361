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
import { PlaneReader } from '../../../training/planes/plane-reader.ts';

const images = 12;
const row = 4;
const teacher = 2;
/** Number i of an image's row: exact in float16. */
const valueOf = (domain: number, image: number, i: number): number => 256 * domain + 16 * image + i;

let folder: string;
let domains: PlaneDomain[];
let readers: PlaneReader[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'm-nas-classify-'));
  domains = await Promise.all([0, 1].map(writeDomain));
  readers = domains.map((domain) => new PlaneReader(domain));
});
afterAll(async () => {
  for (const reader of readers) reader.close();
  await rm(folder, { recursive: true });
});

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
    const { planes, targets, teacher: features } = batch({});
    expect([...planes]).toEqual(numbers(0, row));
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
    const share = shareOf(plain.planes, mixed.planes, 0, row);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
    for (const name of ['planes', 'targets', 'teacher'] as const) {
      const length = plain[name].length / 8;
      mixed[name].forEach((value, at) => {
        const next = plain[name][(at + length) % plain[name].length]!;
        expect(value).toBeCloseTo(share * plain[name][at]! + (1 - share) * next, 3);
      });
    }
  });
});
