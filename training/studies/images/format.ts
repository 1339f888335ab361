import type { Interval } from '../../report/statistics.ts';

/** Percent with half of the 95 % interval; nothing where there is none. */
export const percent = (interval: Interval | null): string =>
  interval ? `${interval.mean.toFixed(2)} ± ${interval.half.toFixed(2)}` : '';

/** Points of difference, with the sign of what is shown. */
export function signed({ mean, half }: Interval): string {
  const size = Math.abs(mean).toFixed(2);
  const sign = Number(size) === 0 ? '' : mean > 0 ? '+' : '−';
  return `${sign}${size} ± ${half.toFixed(2)}`;
}

export const thousands = (weights: number): string => `${(weights / 1000).toFixed(1)}K`;
