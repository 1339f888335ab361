import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { writeDurably } from '../../engine/files.ts';

/** Writes to a temporary file beside `path`, flushes it to disk and renames: readers see the old or the new, whole. */
export async function writeAtomically(path: string, data: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeDurably(temporary, data);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true }); // after a failure; renamed it is gone already
  }
}
