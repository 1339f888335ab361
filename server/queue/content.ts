import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { OrderedImage } from '../tasks/orders.ts';

/** Hashed at one go: some milliseconds. */
const STEP_BYTES = 8 * 1024 ** 2;

/** SHA-256 of what an order is about, images in their order, shortened as the ids of tasks are. */
export async function contentOf(about: unknown, images: readonly OrderedImage[]): Promise<string> {
  const listed = images.map(({ label, order, pixels }) => [label, order, pixels.length]);
  const hash = createHash('sha256').update(JSON.stringify([about, listed]));
  let bytes = 0;
  for (const { pixels } of images) {
    hash.update(pixels);
    bytes += pixels.length;
    if (bytes < STEP_BYTES) continue;
    bytes = 0;
    await setImmediate();
  }
  return hash.digest('hex').slice(0, 32);
}
