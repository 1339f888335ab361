import { open } from 'node:fs/promises';
import * as z from 'zod';
import { splits } from './domain.ts';
import type { ImageDomain } from './domain.ts';

const count = z.number().int().nonnegative();
const indexSchema = z.object({
  name: z.string(),
  size: z.number().int().positive(),
  classes: z.array(z.object({ name: z.string(), split: z.enum(splits), first: count, count })),
  fingerprint: z.string(),
  skipped: z.array(z.string()).exactOptional(),
});

/** Everything of a cached domain but its pixels. */
export interface DomainIndex extends Omit<ImageDomain, 'pixels'> {
  /** What was said of images that are left out, where there are such. */
  readonly skipped?: readonly string[];
}

/** Throws when the text is not an index. */
export function parseIndex(text: string): DomainIndex {
  return indexSchema.parse(JSON.parse(text));
}

/** Room for images of [3, size, size] that worker threads share. */
export function sharedPixels(images: number, size: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(images * 3 * size * size));
}

/** Reads the pixels of an index straight into shared memory. Throws when the file has another length. */
export async function readPixels(path: string, index: DomainIndex): Promise<Uint8Array> {
  const images = index.classes.reduce((sum, own) => sum + own.count, 0);
  const pixels = sharedPixels(images, index.size);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size !== pixels.length)
      throw new Error(`${path}: ${size} bytes instead of ${pixels.length}; delete it`);
    const step = 2 ** 28; // a single read is limited to 2^31 - 1 bytes
    for (let at = 0; at < size;) {
      const { bytesRead } = await file.read(pixels, at, Math.min(step, size - at), at);
      if (bytesRead === 0) throw new Error(`${path}: ended at byte ${at} of ${size}`);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  return pixels;
}
