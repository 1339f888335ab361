import fc from 'fast-check';
import { expect, test } from 'vitest';
import { layOut } from '../../../server/http/layout.ts';

test('what fits on a line is on one, the rest has a member a line', () => {
  const cell = { nodes: [[{ operation: 'skip_connect', input: 0 }]] };
  const value = { labels: ['cat', 'dog'], empty: [], nothing: {}, long: 'x'.repeat(100), cell };
  expect(layOut(value)).toBe(`{
  "labels": ["cat", "dog"],
  "empty": [],
  "nothing": {},
  "long": "${'x'.repeat(100)}",
  "cell": { "nodes": [[{ "operation": "skip_connect", "input": 0 }]] }
}
`);
  expect(layOut({ a: 1, b: undefined })).toBe('{ "a": 1 }\n');
});

test('no line with several members is longer than 110 characters', () => {
  for (let length = 60; length < 120; length++) {
    const value = { name: Array.from({ length }, () => 1), other: ['y'.repeat(length), 'z'] };
    for (const line of layOut(value).split('\n'))
      expect(line.length, line).toBeLessThanOrEqual(/^ *"y+",?$/.test(line) ? 130 : 110);
  }
});

test('any JSON is the same value laid out', () => {
  const isSame = (value: unknown) => {
    expect(JSON.parse(layOut(value))).toEqual(JSON.parse(JSON.stringify(value)));
  };
  fc.assert(fc.property(fc.jsonValue(), isSame));
});
