import { open } from 'node:fs/promises';

/** The code of a fault of the system or of a client; undefined where it has none. */
export const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

/** Whether the path of a file or folder leads nowhere. */
export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

/** Writes a file that is not there yet, and flushes it to disk. */
export async function writeDurably(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
