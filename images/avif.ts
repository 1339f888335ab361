/**
 * An AVIF file by its major brand. Sequences have another one, which the decoder does not know, and a still image
 * beside their track (AVIF 1.1, 3), which it reads.
 */
export function asStill(bytes: Uint8Array): Uint8Array {
  const still = Uint8Array.from(bytes);
  still.set(Buffer.from('avif'), 8);
  return still;
}
