import binary from './binary.ts';

interface Kernels {
  readonly memory: WebAssembly.Memory;
  adam(
    count: number,
    first: number,
    second: number,
    parameters: number,
    gradient: number,
    rates: number,
    scale: number,
    rate: number,
    spread: number,
  ): void;
  accumulate(count: number, sum: number, other: number): number;
}

/** Numbers that the kernels work on at a time: five blocks of them stay in a core's cache. */
const blockLength = 16_384;
/** Below it the module may keep data of its own. */
const firstByte = 1024;

const bytes = Uint8Array.from(atob(binary), (character) => character.charCodeAt(0));
const kernels = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Kernels;
const pointers = Array.from({ length: 5 }, (_, i) => firstByte + 4 * blockLength * i);
const blocks = pointers.map((pointer) => new Float32Array(kernels.memory.buffer, pointer, blockLength));

/**
 * Runs `work` on vectors of one length block by block, in the kernels' memory; the first `written` of the vectors get
 * back what it leaves there. A last block that is not full ends in zeros.
 */
function byBlocks(
  vectors: readonly Float32Array[],
  written: number,
  work: (count: number, ...pointers: number[]) => void,
): void {
  const { length } = vectors[0]!;
  for (let start = 0; start < length; start += blockLength) {
    const count = Math.min(blockLength, length - start);
    const padded = 4 * Math.ceil(count / 4);
    vectors.forEach((vector, i) => {
      blocks[i]!.set(vector.subarray(start, start + count));
      blocks[i]!.fill(0, count, padded);
    });
    work(padded, ...pointers.slice(0, vectors.length));
    for (let i = 0; i < written; i++) vectors[i]!.set(blocks[i]!.subarray(0, count), start);
  }
}

/**
 * Adds `other` to `sum`.
 * @returns the Euclidean norm of what `sum` is then
 */
export function addInto(sum: Float32Array, other: Float32Array): number {
  let squares = 0;
  byBlocks([sum, other], 1, (count, ...pointers) => {
    squares += kernels.accumulate(count, pointers[0]!, pointers[1]!);
  });
  return Math.sqrt(squares);
}

/** The vectors of Adam, all of one length. */
export interface AdamVectors {
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly parameters: Float32Array;
  readonly gradient: Float32Array;
  readonly rates: Float32Array;
}

/** One step of Adam in place; `rate` and `spread` correct the bias of the moments, `scale` is the gradient's. */
export function adamStep(
  { first, second, parameters, gradient, rates }: AdamVectors,
  { scale, rate, spread }: { readonly scale: number; readonly rate: number; readonly spread: number },
): void {
  byBlocks([first, second, parameters, gradient, rates], 3, (count, a, b, c, d, e) =>
    kernels.adam(count, a, b, c, d, e, scale, rate, spread),
  );
}
