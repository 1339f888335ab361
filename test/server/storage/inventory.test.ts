import { expect, test } from 'vitest';
import { isTooOld } from '../../../server/storage/inventory.ts';

test('a task is too old after its days, not at their end, and never without a limit', () => {
  const day = 86_400_000;
  expect([day, day + 1].map((now) => isTooOld(0, 1, now))).toEqual([false, true]);
  expect(isTooOld(0, 0, 1000 * day)).toBe(false);
});
