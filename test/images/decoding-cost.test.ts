import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodingCost } from '../../images/decoding-cost.ts';

const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'red' } });

/** A WebP of one colour whose head says another size: nothing but the head is read. */
async function webpOfSize(width: number, height: number): Promise<Buffer> {
  const file = await plain(16, 16).webp().toBuffer();
  const sizes = file.indexOf(Buffer.from([0x9d, 0x01, 0x2a])) + 3; // the start code of a VP8 key frame
  file.writeUInt16LE(width, sizes);
  file.writeUInt16LE(height, sizes + 2);
  return file;
}

test('what decoding costs is told by the head of a file', async () => {
  expect(await decodingCost(await plain(300, 200).jpeg().toBuffer())).toBe(60_000);
  expect(await decodingCost(await plain(300, 200).jpeg({ progressive: true }).toBuffer())).toBe(120_000);
  const deep = plain(300, 200).toColourspace('rgb16').png({ progressive: true });
  expect(await decodingCost(await deep.toBuffer())).toBe(240_000);
  expect(await decodingCost(await webpOfSize(9000, 8000))).toBe(72_000_000);
});

test('of what is no image it is nothing, of what cannot be told anything', async () => {
  expect(await decodingCost(await readFile(new URL(import.meta.url)))).toBe(1);
  const png = await plain(300, 200).png().toBuffer();
  expect(await decodingCost(png.subarray(0, 20))).toBe(Infinity);
});
