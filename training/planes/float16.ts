import binary from './binary.ts';

/** Numbers of 16 bits (IEEE 754 binary16), as planes are kept on disk. */

/** `assembly/widen.ts` tells what it does. */
interface Kernels {
  readonly memory: WebAssembly.Memory;
  widen(count: number, from: number, to: number): void;
}

const bytes = Uint8Array.from(atob(binary), (character) => character.charCodeAt(0));
const kernels = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Kernels;

/** Numbers that are widened at a time at most: a row of planes is less, as a rule. */
export const blockLength = 65_536;
/** Below it the module may keep data of its own. */
const firstByte = 1024;
const firstWide = firstByte + 2 * blockLength;

/** Where float16 numbers are put to be widened: `blockLength` of them, little-endian. */
export const halfBytes = new Uint8Array(kernels.memory.buffer, firstByte, 2 * blockLength);
const wide = new Float32Array(kernels.memory.buffer, firstWide, blockLength);

/** The first `count` numbers of `halfBytes`, which are finite, in float32; a view that the next call changes. */
export function widenHalves(count: number): Float32Array {
  kernels.widen(8 * Math.ceil(count / 8), firstByte, firstWide); // what lies behind the last one is widened for nothing
  return wide.subarray(0, count);
}

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
