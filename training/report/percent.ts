import type { Interval } from './statistics.ts';

/** A share of 1 in percent. */
export const percent = (share: number): string => (100 * share).toFixed(1);

/** A mean share in percent with half of its interval. */
export const percentOf = ({ mean, half }: Interval): string => `${percent(mean)} ± ${percent(half)}`;

/** A difference of shares in points, with its sign. */
export const signedPercent = ({ mean, half }: Interval): string =>
  `${mean < 0 ? '−' : '+'}${percentOf({ mean: Math.abs(mean), half })}`;
