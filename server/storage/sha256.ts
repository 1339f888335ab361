import { hash } from 'node:crypto';

/** SHA-256, hexadecimal; of a text, of its UTF-8. */
export function sha256(bytes: Uint8Array | string): string {
  return hash('sha256', bytes);
}
