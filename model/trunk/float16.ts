import { fromFloat16 } from './float32.ts';

/** Numbers of 16 bits (IEEE 754 binary16): as planes are kept on disk, and weights in exported files. */

/** float32 bits: half of the step above 65504 (all from there on would be infinite), the least normal number, 1/2. */
const overflow = 0x477ff000;
const leastNormal = 0x38800000;
const oneHalf = 0x3f000000;

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/**
 * Rounds numbers to float16, to the nearest, ties to even.
 * @param into where their bits are written, from `offset` on
 * @throws RangeError for a number that float16 cannot hold: beyond 65504, or NaN
 */
export function encodeFloat16(values: Float32Array, into: Uint16Array, offset: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const size = word & 0x7fff_ffff;
    if (size >= overflow) throw new RangeError(`${values[at]!} is beyond float16`);
    into[offset + at] =
      ((word >>> 16) & 0x8000) |
      (size < leastNormal
        ? subnormal(values[at]!)
        : (size + 0xfff + ((size >>> 13) & 1) - 0x3800_0000) >>> 13);
  }
}

/** Adding 1/2 leaves the multiple of 2^-24 in the low bits, rounded by the hardware. */
function subnormal(value: number): number {
  scratch[0] = Math.abs(value) + 0.5;
  return scratchBits[0]! - oneHalf;
}

/**
 * The numbers rounded to float16 and back.
 * @throws RangeError as `encodeFloat16` does
 */
export function roundedToFloat16(values: Float32Array): Float32Array {
  const bits = new Uint16Array(values.length);
  encodeFloat16(values, bits, 0);
  return fromFloat16(bits);
}
