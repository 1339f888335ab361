import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** A folder that the tests of a file or block share and that goes after them: its path, or that of what lies in it. */
export function sharedFolder(): (...parts: readonly string[]) => string {
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'm-nas-test-'));
  });
  afterAll(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));
  return (...parts) => join(root, ...parts);
}
