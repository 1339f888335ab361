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
