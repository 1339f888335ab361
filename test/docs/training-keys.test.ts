import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { trainingKeys, withTrainingKeys } from '../../scripts/training-keys.ts';

const page = readFileSync(new URL('../../docs/training.md', import.meta.url), 'utf8');

it('docs/training.md has the keys of a training configuration as they are: npm run generate:training-keys', () => {
  expect(withTrainingKeys(page)).toBe(page);
});

it('every key says what it is', () => {
  const rows = trainingKeys()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows.length).toBeGreaterThan(80);
  expect(rows.filter((row) => / \| {1,2}\|$/.test(row))).toEqual([]);
});

it('a page without a place for the keys is refused', () => {
  expect(() => withTrainingKeys('# Training\n')).toThrow('the page lacks');
});
