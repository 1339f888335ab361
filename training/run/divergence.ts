/** A loss or gradient that is not finite: training stops here. */
export class DivergenceError extends Error {
  override readonly name = 'DivergenceError';
}

/** A meta-batch: where in its run, what is told of its tasks, their gradients and the norm of their mean. */
interface MetaBatch {
  readonly iteration: number;
  readonly seed: number;
  readonly results: readonly { readonly loss: number; readonly domain: string }[];
  readonly gradients: readonly Float32Array[];
  readonly norm: number;
}

/** @throws DivergenceError naming the first task whose loss or gradient is not finite */
export function checkFinite({ iteration, seed, results, gradients, norm }: MetaBatch): void {
  if (Number.isFinite(norm) && results.every(({ loss }) => Number.isFinite(loss))) return;
  const task = results.findIndex(
    ({ loss }, i) => !Number.isFinite(loss) || !gradients[i]!.every(Number.isFinite),
  );
  throw new DivergenceError(
    `not finite at iteration ${iteration}, task ${task} (${results[task]?.domain ?? '?'}), seed ${seed}: loss ${results[task]?.loss ?? norm}`,
  );
}
