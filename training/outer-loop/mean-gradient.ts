import { addInto } from '../optimizer/kernels/vectors.ts';

/** The mean gradient of a meta-batch, clipped: `scale` times `vector`. */
export interface MeanGradient {
  readonly vector: Float32Array;
  readonly scale: number;
  /** The Euclidean norm of the mean before it is clipped. */
  readonly norm: number;
}

/**
 * Of gradients of single tasks; the mean is written to `into`. They are summed in the given order, so that the mean is
 * the same for any number of workers. `clip` is the largest norm.
 */
export function meanOfTasks(
  gradients: readonly Float32Array[],
  { clip, into }: { readonly clip: number; readonly into: Float32Array },
): MeanGradient {
  const share = 1 / gradients.length;
  into.fill(0);
  for (const gradient of gradients) for (let i = 0; i < into.length; i++) into[i]! += share * gradient[i]!;
  const norm = normOf(into);
  if (norm > clip) for (let i = 0; i < into.length; i++) into[i] = (into[i]! * clip) / norm;
  return { vector: into, scale: 1, norm };
}

/**
 * Of the two halves of a meta-batch of `tasks` tasks, each summed over its tasks; the sum is left in the first one.
 * It rounds otherwise than `meanOfTasks`: a run keeps to the one that it began with.
 */
export function meanOfHalves(
  [sum, other]: readonly [Float32Array, Float32Array],
  { tasks, clip }: { readonly tasks: number; readonly clip: number },
): MeanGradient {
  const norm = addInto(sum, other) / tasks;
  return { vector: sum, scale: Math.min(1, clip / norm) / tasks, norm };
}

/** The Euclidean norm; a plain loop, since `reduce` takes ten times as long for a million numbers. */
function normOf(vector: Float32Array): number {
  let total = 0;
  for (let i = 0; i < vector.length; i++) total += vector[i]! * vector[i]!;
  return Math.sqrt(total);
}
