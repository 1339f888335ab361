import { describe, expect, test } from 'vitest';
import { readLabel } from '../../../contract/label.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { shades, taskOf } from '../support/tasks.ts';
import { postZip } from '../support/archives.ts';
import { zip } from '../support/zip.ts';

const { expectProblem } = problemsOf('upload/labels.test.ts');
const { red, blue } = shades;
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('a label', () => {
  test.each([
    ['cat', 'cat'],
    ['  cat\u00a0', 'cat'],
    ['black \u3000\u00a0 cap', 'black cap'],
    ['gru\u0308n', 'gr\u00fcn'],
    ['\u{1f408}\u200d\u2b1b', '\u{1f408}\u200d\u2b1b'], // black cat
    ['\u{1f468}\u200d\u{1f469}\u200d\u{1f467} family', '\u{1f468}\u200d\u{1f469}\u200d\u{1f467} family'],
    ['\u2764\ufe0f', '\u2764\ufe0f'],
    [
      '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
      '\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
    ], // England
    ['\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645', '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'], // Persian
    ['\u0915\u094d\u200d\u0937', '\u0915\u094d\u200d\u0937'], // Devanagari
    ['\u732b/\u72ac [x] "y"', '\u732b/\u72ac [x] "y"'],
    ['x'.repeat(100), 'x'.repeat(100)],
    ['\u{1f408}'.repeat(100), '\u{1f408}'.repeat(100)],
  ])('%j is %j', (text, label) => {
    expect(readLabel(text)).toEqual({ label });
  });

  test.each([
    ['', 'blank'],
    [' \u2003 ', 'blank'],
    ['x'.repeat(101), '101 characters'],
    ['a\tb', 'control'],
    ['a\u2028b', 'control'],
    ['\u0085', 'control'],
    ['\ud800', 'not Unicode'],
    ['a\udc00\ud800b', 'not Unicode'],
    ['caf\ufffd', 'not Unicode'],
    ['cat\ufffe', 'not Unicode'],
    ['\u{10ffff}', 'not Unicode'],
    ['ca\u200bt', 'U+200B'],
    ['cat\ufeff', 'U+FEFF'],
    ['c\u00adat', 'U+00AD'],
    ['ca\u200dt', 'U+200D'],
    ['\u062e\u200d', 'U+200D'],
    ['cat\ufe0f', 'U+FE0F'],
    ['\u202etac', 'U+202E'],
    ['cat\u2069', 'U+2069'],
    ['\u061ccat', 'U+061C'],
    ['\u200ecat', 'U+200E'],
    ['cat\u{e0063}', 'U+E0063'],
    ['\u3164', 'U+3164'],
    ['\u2800', 'U+2800'],
    ['a\ufff9b', 'U+FFF9'],
  ])('%j is none', (text, reason) => {
    expect(readLabel(text)).toEqual({ problem: expect.stringContaining(reason) as string });
  });
});

describe('every way in', () => {
  const pairs = [
    ['black  cap', ' black cap\u00a0'],
    ['gr\u00fcn', 'gru\u0308n'],
  ] as const;
  test.each(pairs)('takes %j and %j for one label', async (one, two) => {
    const running = await harness();
    const parts = [one, two, 'other'].map((name, i) => ({
      name,
      file: 'x.png',
      content: [red[0], red[1], blue[0]][i]!,
    }));
    const form = taskOf(await running.post('/v1/tasks', parts));
    expect(Object.values(form.shots).sort()).toEqual([1, 2]);
    const support = { [one]: [base64(red[0])], [two]: [base64(red[1])], other: [base64(blue[0])] };
    expect(taskOf(await running.postJson('/v1/tasks', { support })).id).toBe(form.id);
    const entries = parts.map(({ name, content }, i) => ({ path: `${name}/${i}.png`, content }));
    expect(taskOf(await postZip(running, '/v1/tasks', await zip(entries))).id).toBe(form.id);
    const evaluation = await running.post(`/v1/tasks/${form.id}/evaluations`, parts);
    expect(evaluation.status).toBe(200);
  });

  test('refuses what cannot be seen, and halves of characters', async () => {
    const running = await harness();
    for (const odd of ['ca\u200bt', '\u202etac', 'cat\ufeff']) {
      const parts = [
        { name: 'other', file: '1.png', content: red[0] },
        { name: odd, file: '2.png', content: blue[0] },
      ];
      expectProblem(await running.post('/v1/tasks', parts), 'invalid-label', {
        index: 1,
        name: odd,
        file: '2.png',
      });
      const body = { support: { other: [base64(red[0])], [odd]: [base64(blue[0])] } };
      expectProblem(await running.postJson('/v1/tasks', body), 'invalid-label', `/support/${odd}/0`);
      const archive = await zip(
        parts.map(({ name, file, content }) => ({ path: `${name}/${file}`, content })),
      );
      const at = { index: 1, name: odd, file: `${odd}/2.png` };
      expectProblem(await postZip(running, '/v1/tasks', archive), 'invalid-label', at);
    }
    const half = `{"support":{"\\ud800":["${base64(red[0])}"],"b":["${base64(blue[0])}"]}}`;
    const refusal = await running.postJson('/v1/tasks', half);
    expectProblem(refusal, 'invalid-label', '/support/\ufffd/0'); // a half would break the client's reader of JSON
    expect(refusal.text).not.toMatch(/\\ud800/i);
  });
});
