import sharp from 'sharp';
import { imageFormat } from './format.ts';

/** Bytes of a sample, by sharp's name of its type; of others one. */
const sampleBytes: Readonly<Record<string, number>> = {
  ushort: 2,
  short: 2,
  uint: 4,
  int: 4,
  float: 4,
  double: 8,
};

/** What cannot be told before an image is decoded may be anything. */
const unknownCost = Number.POSITIVE_INFINITY;

/**
 * What decoding an image takes, as pixels of a plain one: width × height, times the bytes of a sample, and
 * twice where it is interlaced or progressive, since such an image is held whole. Reads the file's head
 * alone.
 * @param bytes as `decodeImage` takes them; of no image at all the cost is 1, and what cannot be told is
 * infinite
 */
export async function decodingCost(bytes: Uint8Array): Promise<number> {
  if (imageFormat(bytes) === undefined) return 1;
  try {
    const { width, height, depth, isProgressive } = await sharp(bytes, {
      limitInputPixels: false,
    }).metadata();
    return width * height * (sampleBytes[depth] ?? 1) * (isProgressive ? 2 : 1);
  } catch {
    return unknownCost;
  }
}
