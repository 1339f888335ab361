import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    tags: [
      {
        name: 'slow',
        description: 'The rest of an exhaustive table: left out of npm test, run by npm run test:slow',
        timeout: 240_000,
      },
    ],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
