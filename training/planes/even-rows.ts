import { closeSync, openSync, readSync } from 'node:fs';

/** Rows that are read. */
const mostRows = 64;

/** Rows of a file of kept planes as they lie there: so many, evenly from the first to the last. */
export function evenRows(path: string, rows: number, rowBytes: number): Uint8Array {
  const count = Math.min(mostRows, rows);
  const bytes = new Uint8Array(count * rowBytes);
  const file = openSync(path, 'r');
  try {
    for (let i = 0; i < count; i++) {
      const row = Math.floor((i * (rows - 1)) / Math.max(1, count - 1));
      readSync(file, bytes, i * rowBytes, rowBytes, row * rowBytes);
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}
