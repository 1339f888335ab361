import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { crashUnderLoad } from '../../scripts/crash.ts';
import { temporaryFolder } from './support/harness.ts';

// `npm run prove:crash` does the same with the whole service, more often
test(
  'kill -9 at any moment, under load: every acknowledged task is whole, no half one is there',
  { tags: ['whole'] },
  async () => {
    const result = await crashUnderLoad({
      script: fileURLToPath(new URL('./support/serve.ts', import.meta.url)),
      folder: await temporaryFolder(),
      kills: 3,
      clients: 4,
      most: 20,
      seed: 1,
    });
    expect(result.kills).toBe(3);
    expect(result.acknowledged).toBeGreaterThanOrEqual(3);
  },
);
