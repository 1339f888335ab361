/** Mean and half width of the 95 % interval over tasks, 1.96 σ/√n. */
export interface Interval {
  readonly mean: number;
  readonly half: number;
}

/** The interval of the mean of `values`, one a task; of half width 0 for a single one. */
export function intervalOf(values: readonly number[]): Interval {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const variance =
    values.reduce((total, value) => total + (value - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { mean, half: 1.96 * Math.sqrt(variance / values.length) };
}

/** How often each key occurs, in the order of first occurrence. */
export function countsOf(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

/** The different values, the most frequent first; equal counts are decided by the key. */
export function byFrequency<T>(
  values: readonly T[],
  keyOf: (value: T) => string,
): { readonly key: string; readonly value: T; readonly count: number }[] {
  const counts = countsOf(values.map(keyOf));
  const byKey = new Map(values.map((value) => [keyOf(value), value]));
  return [...byKey]
    .map(([key, value]) => ({ key, value, count: counts[key]! }))
    .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
}
