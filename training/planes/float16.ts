/** Numbers of 16 bits (IEEE 754 binary16), as planes are kept on disk. */

/** The float32 of every pattern of 16 bits. */
export const float16Values: Float32Array = Float32Array.from({ length: 0x1_0000 }, (_, bits) => {
  const sign = bits >>> 15 === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
});

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
