import { adamStep } from './kernels/vectors.ts';

/** Adam (Kingma & Ba 2014) over flat vectors: `adamInit` makes the state, `adamUpdate` steps. */
export interface AdamState {
  readonly step: number;
  /** First and second moment estimates, as long as the parameters. */
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** The state before the first step, for so many parameters. */
export const adamInit = (length: number): AdamState => ({
  step: 0,
  first: new Float32Array(length),
  second: new Float32Array(length),
});

/** β₁ and β₂; the kernel has the same, and ε = 1e-8. */
const [beta1, beta2] = [0.9, 0.999];

/**
 * One step along `gradient` times `scale`; `learningRates` has one rate a parameter. Works in place, on `parameters` and
 * on the state's vectors, in single precision and four numbers at a time. Returns the state after the step.
 */
export function adamUpdate(
  state: AdamState,
  parameters: Float32Array,
  gradient: Float32Array,
  learningRates: Float32Array,
  scale = 1,
): AdamState {
  const step = state.step + 1;
  const { first, second } = state;
  adamStep(
    { first, second, parameters, gradient, rates: learningRates },
    { scale, rate: 1 / (1 - beta1 ** step), spread: 1 / Math.sqrt(1 - beta2 ** step) },
  );
  return { step, first, second };
}
