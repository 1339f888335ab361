import { defineConfig } from 'vitest/config';

/** Tests in a real browser: `npm run test:browser`, where there is a Chromium (docs/page.md). */
export default defineConfig({
  test: {
    include: ['test/web/**/*.browser.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
