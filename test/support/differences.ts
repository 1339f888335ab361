import { expect } from 'vitest';

/** The largest |a - b| / (1 + |b|). */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++)
    largest = Math.max(largest, Math.abs(a[i]! - b[i]!) / (1 + Math.abs(b[i]!)));
  return largest;
}
