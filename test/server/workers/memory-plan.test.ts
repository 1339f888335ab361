import { expect, test } from 'vitest';
import { memoryPlan, usuallyKept } from '../../../server/workers/memory-plan.ts';

const gibibyte = 1024 ** 3;

test('adaptations and kept graphs share what is set, however many workers there are', () => {
  for (const workers of [1, 3, 17]) {
    const { jobBytes, keptBytes } = memoryPlan(2 * gibibyte, workers);
    expect(jobBytes + workers * keptBytes).toBeCloseTo(2 * gibibyte);
    expect(jobBytes).toBe(gibibyte);
  }
  expect(memoryPlan(2 * gibibyte, 3).keptBytes).toBeGreaterThan(usuallyKept);
});
