/** Adam (Kingma & Ba 2014) as a pure pair of functions over flat vectors: `init` makes the state, `update` steps. */
export interface AdamState {
  readonly step: number;
  /** First and second moment estimates, as long as the parameters. */
  readonly first: Float32Array;
  readonly second: Float32Array;
}

export const adamInit = (length: number): AdamState => ({
  step: 0,
  first: new Float32Array(length),
  second: new Float32Array(length),
});

const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];

/** One step; `learningRates` has one rate a parameter. Returns new arrays, the given ones stay as they are. */
export function adamUpdate(
  state: AdamState,
  parameters: Float32Array,
  gradient: Float32Array,
  learningRates: Float32Array,
): { readonly state: AdamState; readonly parameters: Float32Array } {
  const step = state.step + 1;
  const [correction1, correction2] = [1 - beta1 ** step, 1 - beta2 ** step];
  const [first, second, next] = [state.first.slice(), state.second.slice(), parameters.slice()];
  for (let i = 0; i < next.length; i++) {
    const g = gradient[i]!;
    first[i] = beta1 * first[i]! + (1 - beta1) * g;
    second[i] = beta2 * second[i]! + (1 - beta2) * g * g;
    next[i]! -=
      (learningRates[i]! * (first[i]! / correction1)) / (Math.sqrt(second[i]! / correction2) + epsilon);
  }
  return { state: { step, first, second }, parameters: next };
}
