/**
 * One more step of the running average of the parameters, in place (Polyak averaging with exponential decay):
 * a <- d a + (1 - d) p. The decay d grows from 0 to `decay` with the number of `steps` averaged before, so that the
 * average of few is not that of its start; the first one forgets what was there.
 */
export function average(
  values: Float32Array,
  parameters: Float32Array,
  { decay, steps }: { readonly decay: number; readonly steps: number },
): void {
  const own = Math.min(decay, steps / (9 + steps));
  for (let i = 0; i < values.length; i++) values[i] = own * values[i]! + (1 - own) * parameters[i]!;
}
