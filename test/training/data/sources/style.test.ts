import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packReader } from '../../../../training/data/sources/pack.ts';
import { styled } from '../../../../training/data/sources/style.ts';

const side = 12;
/** Left half of one colour, right half of another. */
const halves = (left: readonly number[], right: readonly number[]) => ({
  width: side,
  height: side,
  data: Uint8Array.from({ length: 3 * side * side }, (_, i) => {
    const x = Math.floor(i / 3) % side;
    return (x < side / 2 ? left : right)[i % 3]!;
  }),
});
const at = ({ data }: { data: Uint8Array | Uint8ClampedArray }, x: number): number[] => [
  ...data.subarray(3 * (side + x), 3 * (side + x) + 3),
];

describe('a picture in another style', () => {
  it('as a sketch is white where nothing changes, and dark along an edge', async () => {
    const drawn = await styled(halves([250, 250, 250], [20, 20, 20]), 'sketch');
    expect(at(drawn, 1)).toEqual([255, 255, 255]);
    expect(at(drawn, side - 2)).toEqual([255, 255, 255]);
    expect(Math.max(...at(drawn, side / 2))).toBeLessThan(50);
    expect(drawn).toMatchObject({ width: side, height: side });
  });

  it('as a poster has few colours beside its lines', async () => {
    const drawn = await styled(halves([200, 100, 30], [180, 110, 60]), 'poster');
    expect(at(drawn, 1)).toEqual([170, 85, 0]);
    expect(at(drawn, side - 2)).toEqual([170, 85, 85]);
  });

  it('is put on white where it is transparent', async () => {
    const data = new Uint8Array(4 * side * side); // black, wholly transparent
    const drawn = await styled({ data, width: side, height: side }, 'poster');
    expect(new Set(drawn.data)).toEqual(new Set([255]));
  });
});

describe('a pack', () => {
  it('is read in a style, under another name than its files have', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'm-nas-style-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { data, width, height } = halves([250, 250, 250], [20, 20, 20]);
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    await writeFile(join(folder, 'photos.bin'), png);
    await writeFile(join(folder, 'photos.tsv'), `train\tmug\ta.png\t0\t${png.length}\n`);
    const source = { kind: 'pack', name: 'drawings', file: 'photos', path: folder } as const;
    const [plain] = await packReader.list(source);
    const [sketch] = await packReader.list({ ...source, style: 'sketch' });
    expect(at(await plain!.images[0]!.original(side), side - 2)).toEqual([20, 20, 20]);
    expect(at(await sketch!.images[0]!.original(side), side - 2)).toEqual([255, 255, 255]);
    const [red] = await sketch!.images[0]!.read(side);
    expect(red).toBe(255);
    expect(await packReader.stamp({ ...source, style: 'sketch' })).toBe(await packReader.stamp(source));
  });
});
