import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodingCost } from '../../images/decoding-cost.ts';

const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'red' } });

test('what decoding costs is told by the head of a file', async () => {
  expect(await decodingCost(await plain(300, 200).jpeg().toBuffer())).toBe(60_000);
  expect(await decodingCost(await plain(300, 200).jpeg({ progressive: true }).toBuffer())).toBe(120_000);
  const deep = plain(300, 200).toColourspace('rgb16').png({ progressive: true });
  expect(await decodingCost(await deep.toBuffer())).toBe(240_000);
  expect(await decodingCost(await plain(9000, 8000).webp({ quality: 1 }).toBuffer())).toBe(72_000_000);
});

test('of what is no image it is nothing, of what cannot be told anything', async () => {
  expect(await decodingCost(await readFile(new URL(import.meta.url)))).toBe(1);
  const png = await plain(300, 200).png().toBuffer();
  expect(await decodingCost(png.subarray(0, 20))).toBe(Infinity);
});
