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

/** a - b of every task, both in one order: the interval of their mean is a paired one. */
export const differences = (a: readonly number[], b: readonly number[]): number[] =>
  a.map((value, i) => value - b[i]!);

/** The mean of independent means, each with the same weight. */
export function meanOfIntervals(intervals: readonly Interval[]): Interval {
  const sum = (of: (interval: Interval) => number): number =>
    intervals.reduce((total, interval) => total + of(interval), 0);
  return {
    mean: sum(({ mean }) => mean) / intervals.length,
    half: Math.sqrt(sum(({ half }) => half ** 2)) / intervals.length,
  };
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

/** How often a key occurs in each group, and in all of them together. */
export interface Tally {
  readonly key: string;
  readonly counts: readonly number[];
  readonly total: number;
}

/** The keys of all groups with their counts, the most frequent first; equal totals are decided by the key. */
export function tallied(groups: readonly Readonly<Record<string, number>>[]): Tally[] {
  const keys = [...new Set(groups.flatMap((group) => Object.keys(group)))];
  return keys
    .map((key) => {
      const counts = groups.map((group) => group[key] ?? 0);
      return { key, counts, total: counts.reduce((a, b) => a + b, 0) };
    })
    .sort((a, b) => b.total - a.total || (a.key < b.key ? -1 : 1));
}

/** Area under the ROC curve: the share of pairs in which the first is the higher one, equals counting half. */
export function areaUnderCurve(higher: ArrayLike<number>, lower: ArrayLike<number>): number {
  let won = 0;
  for (let i = 0; i < higher.length; i++)
    for (let j = 0; j < lower.length; j++)
      won += higher[i]! > lower[j]! ? 1 : higher[i]! === lower[j]! ? 0.5 : 0;
  return won / (higher.length * lower.length);
}
