import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ForeignAnswerError, MnasError } from '../../client/index.ts';
import type { Schema } from '../../contract/schema.ts';
import type * as Module from '../../web/words.ts';

let words: typeof Module;
beforeEach(async () => {
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  words = await import('../../web/words.ts');
});
afterEach(() => void vi.unstubAllGlobals());

const refusal = (code: Schema<'ErrorCode'>, part?: Schema<'Part'>) =>
  new MnasError({
    type: `urn:problem-type:m-nas:${code}`,
    title: 'Broken image',
    status: 422,
    detail: 'Part 2, field "mug", file "b.png": it is broken.',
    instance: '/v1/tasks',
    code,
    requestId: 'r1',
    ...(part && { part }),
  });
const [a, b, c] = ['a.png', 'b.png', 'c.png'].map((name) => new File(['x'], name)) as [File, File, File];

it('a refusal is told in words of the page, at the image that it is about', () => {
  // a label that is a number is posted first, so the parts are c, a and b
  const classes = [
    { label: 'mug', files: [a, b] },
    { label: '3', files: [c] },
  ];
  const part = { index: 2, name: 'mug', file: 'b.png' };
  const told = words.told(refusal('broken-image', part), classes);
  expect(told).toEqual({ text: 'b.png: This image cannot be read; it may be damaged.', file: b });
  expect(words.told(refusal('broken-image', { index: 0 }), classes).file).toBe(c);
  expect(told.text).not.toContain('Part');
});

it('what has no words of its own is told by its title, and a failure with where to look', () => {
  expect(words.told(refusal('malformed-multipart')).text).toBe('The service refused this: broken image.');
  expect(words.told(refusal('internal')).text).toContain('under r1.');
});

it('a service that is not there, a proxy and other errors', () => {
  expect(words.told(new TypeError('Failed to fetch')).text).toContain('cannot be reached');
  const proxy = new ForeignAnswerError(new Response('', { status: 502 }), '');
  expect(words.told(proxy).text).toContain('(502)');
  expect(words.told(new Error('The trunk could not be loaded.')).text).toBe('The trunk could not be loaded.');
});
