import type { TestOptions } from 'vitest';

/**
 * The options of a test case: `npm test` runs the few cases of an exhaustive table that `always` holds for,
 * `npm run test:slow` the others.
 */
export const slowUnless = (always: boolean): TestOptions => (always ? {} : { tags: ['slow'] });
