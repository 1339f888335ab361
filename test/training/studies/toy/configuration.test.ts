import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readToyConfiguration } from '../../../../training/studies/toy/configuration.ts';

describe('toy configurations', () => {
  it('in the repository all fit, and are named like their files', async () => {
    const files = await readdir('training/configs/toy');
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const { name } = await readToyConfiguration(join('training/configs/toy', file));
      expect(name).toBe(basename(file, '.yaml'));
    }
  });
});
