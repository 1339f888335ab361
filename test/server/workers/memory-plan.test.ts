import { expect, test } from 'vitest';
import { memoryPlan, USUALLY_KEPT } from '../../../server/workers/memory-plan.ts';

const GIBIBYTE = 1024 ** 3;

test('adaptations and kept graphs share what is set, however many workers there are', () => {
  for (const workers of [1, 3, 17]) {
    const { jobBytes, keptBytes } = memoryPlan(2 * GIBIBYTE, workers);
    expect(jobBytes + workers * keptBytes).toBeCloseTo(2 * GIBIBYTE);
    expect(jobBytes).toBe(GIBIBYTE);
  }
  expect(memoryPlan(2 * GIBIBYTE, 3).keptBytes).toBeGreaterThan(USUALLY_KEPT);
});
