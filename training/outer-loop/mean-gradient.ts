import { addInto } from '../optimizer/kernels/vectors.ts';

/** The mean gradient of a meta-batch, clipped: `scale` times `vector`. */
export interface MeanGradient {
  readonly vector: Float32Array;
  readonly scale: number;
  /** The Euclidean norm of the mean before it is clipped. */
  readonly norm: number;
}

/** Tasks of a meta-batch, by their positions: from `first` on, so many. */
export interface TaskRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Sums vectors along one binary tree of their positions, whoever sums which part of it. On level j, position i takes
 * what lies at i + 2^j, where 2^(j+1) divides i. So the sum of a subtree (`subtreesOf`) is the same bits on any machine,
 * and the sum of all is that of the subtrees.
 *
 * @param vectors by position; written: `vectors[first]` has the sum afterwards
 * @param range whole subtree, or all
 * @param stride positions that lie apart; what lies between two has been summed already. 1 by default
 */
export function sumAlongTree(
  vectors: readonly Float32Array[],
  { first, count }: TaskRange,
  stride = 1,
): Float32Array {
  for (let step = stride; step < count; step *= 2)
    for (let at = first; at + step < first + count; at += 2 * step)
      addInto(vectors[at]!, vectors[at + step]!);
  return vectors[first]!;
}

/** The subtrees of `size` positions, a power of two, of a tree of `length`; the last one may be cut short. */
export const subtreesOf = (length: number, size: number): TaskRange[] =>
  Array.from({ length: Math.ceil(length / size) }, (_, i) => ({
    first: i * size,
    count: Math.min(size, length - i * size),
  }));

/**
 * The mean of `tasks` tasks of their sum, which stays in its vector; `clip` is the largest norm.
 * @param norm of the sum, where it is known
 */
export function meanOfSum(
  sum: Float32Array,
  {
    tasks,
    clip,
    norm = normOf(sum),
  }: { readonly tasks: number; readonly clip: number; readonly norm?: number },
): MeanGradient {
  const own = norm / tasks;
  return { vector: sum, scale: Math.min(1, clip / own) / tasks, norm: own };
}

/** The Euclidean norm; a plain loop, since `reduce` takes ten times as long for a million numbers. */
function normOf(vector: Float32Array): number {
  let total = 0;
  for (let i = 0; i < vector.length; i++) total += vector[i]! * vector[i]!;
  return Math.sqrt(total);
}
