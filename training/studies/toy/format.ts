import type { Interval } from '../../report/statistics.ts';
import { isMainReading } from './families.ts';
import type { Reading } from './families.ts';

/** An error; of one that a few tasks blow up its order of magnitude, or that it is infinite. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '∞';
  return Math.abs(value) < 1000 ? value.toFixed(3) : value.toExponential(1);
}

/** A mean and its interval, as `figure` shows them. */
export function format({ mean, half }: Interval): string {
  if (!Number.isFinite(mean)) return '∞';
  return Math.abs(mean) < 1000
    ? `${mean.toFixed(3)} ± ${half.toFixed(3)}`
    : `${mean.toExponential(1)} ± ${half.toExponential(1)}`;
}

/** 70000 as 70,000. */
export const grouped = (count: number): string => count.toLocaleString('en');

/** A reading in words; equal for equal readings. */
export const readingKey = ({ xStd, query }: Reading): string =>
  `x ~ N(u, ${(xStd ** 2).toFixed(0)}), query ${query}`;

/** The options of the command that has a reading; none for the main one. */
export const readingOptions = (reading: Reading): string =>
  isMainReading(reading) ? '' : ` --x-variance ${(reading.xStd ** 2).toFixed(0)} --query ${reading.query}`;
