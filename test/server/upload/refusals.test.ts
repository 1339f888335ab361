import request from 'supertest';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { ErrorCode, Part, Problem } from '../../../server/errors/errors.ts';
import { expectContract } from '../support/contract.ts';
import { limits } from '../support/defaults.ts';
import { harness } from '../support/harness.ts';
import { colours, multipartType, multipart, png } from '../support/multipart.ts';
import type { RawPart } from '../support/multipart.ts';
import { problemsOf } from '../support/problem.ts';

const { expectProblem } = problemsOf('upload/refusals.test.ts');
const { red, blue } = await colours();
const good: readonly RawPart[] = [
  { name: 'red', file: '1.png', content: red[0] },
  { name: 'blue', file: '2.png', content: blue[0] },
];

async function large(width: number): Promise<Buffer> {
  return sharp({ create: { width, height: width, channels: 3, background: '#123456' } })
    .png()
    .toBuffer();
}

const many = (count: number, name: (index: number) => string, content: Uint8Array | string = red[0]) =>
  Array.from({ length: count }, (_, index) => ({ name: name(index), file: `${index}.png`, content }));

interface Case {
  readonly title: string;
  readonly parts: readonly RawPart[];
  readonly code: ErrorCode;
  readonly part?: Part;
}

const bodies: readonly Case[] = [
  { title: 'no part', parts: [], code: 'no-files' },
  {
    title: 'a text field',
    parts: [good[0]!, { name: 'blue', content: 'cat' }],
    code: 'text-part',
    part: { index: 1, name: 'blue' },
  },
  {
    title: 'a text field with brackets',
    parts: [{ name: 'a[__proto__][x]', content: 'cat' }, ...good],
    code: 'text-part',
    part: { index: 0, name: 'a[__proto__][x]' },
  },
  {
    title: 'a text field whose name is escaped',
    parts: [{ name: 'say "hi"', content: 'cat' }, ...good],
    code: 'text-part',
    part: { index: 0, name: 'say "hi"' },
  },
  {
    title: 'a form whose file input was left empty',
    parts: [good[0]!, { name: 'blue', file: '', type: 'application/octet-stream', content: '' }],
    code: 'empty-file',
    part: { index: 1, name: 'blue' },
  },
  {
    title: 'a file without bytes',
    parts: [good[0]!, { name: 'blue', file: '2.png', content: '' }],
    code: 'empty-file',
    part: { index: 1, name: 'blue', file: '2.png' },
  },
  {
    title: 'a part without a name',
    parts: [good[0]!, { file: '2.png', content: blue[0] }],
    code: 'missing-field-name',
    part: { index: 1, file: '2.png' },
  },
  {
    title: 'one class only',
    parts: [good[0]!, good[0]!],
    code: 'too-few-classes',
    part: { index: 0, name: 'red', file: '1.png' },
  },
  {
    title: '21 classes',
    parts: many(21, (index) => `c${index}`),
    code: 'too-many-classes',
    part: { index: 20, name: 'c20', file: '20.png' },
  },
  {
    title: '51 images of a class',
    parts: [...many(51, () => 'red'), good[1]!],
    code: 'too-many-images',
    part: { index: 50, name: 'red', file: '50.png' },
  },
  {
    title: '1001 files',
    parts: many(1001, (index) => `c${index % 20}`, 'x'),
    code: 'too-many-files',
    part: { index: 999, name: 'c19', file: '999.png' },
  },
  {
    title: '21 text fields',
    parts: Array.from({ length: 21 }, () => ({ name: 'a', content: 'x' })),
    code: 'too-many-fields',
    part: { index: 19, name: 'a' },
  },
  {
    title: 'a long text field',
    parts: [{ name: 'a', content: 'x'.repeat(5000) }],
    code: 'too-many-fields',
    part: { index: 0, name: 'a' },
  },
  {
    title: 'a file over its limit',
    parts: [good[0]!, { name: 'blue', file: 'b.png', content: Buffer.alloc(limits.fileBytes + 1) }],
    code: 'file-too-large',
    part: { index: 1, name: 'blue', file: 'b.png' },
  },
  {
    title: 'a broken image',
    parts: [good[0]!, { name: 'blue', file: 'b.png', content: blue[0].subarray(0, 50) }],
    code: 'broken-image',
    part: { index: 1, name: 'blue', file: 'b.png' },
  },
  {
    title: 'a text file',
    parts: [good[0]!, { name: 'blue', file: 'b.png', type: 'image/png', content: 'not an image' }],
    code: 'unsupported-image',
    part: { index: 1, name: 'blue', file: 'b.png' },
  },
  {
    title: 'an SVG',
    parts: [good[0]!, { name: 'blue', file: 'b.svg', content: '<svg xmlns="http://www.w3.org/2000/svg"/>' }],
    code: 'unsupported-image',
    part: { index: 1, name: 'blue', file: 'b.svg' },
  },
  {
    title: 'an image of too many pixels',
    parts: [good[0]!, { name: 'blue', file: 'b.png', content: await large(1001) }],
    code: 'image-too-large',
    part: { index: 1, name: 'blue', file: 'b.png' },
  },
];

describe('POST /v1/tasks refuses', () => {
  for (const { title, parts, code, part } of bodies) {
    test(title, async () => {
      const { post, adapter } = await harness({ limits: { bodyBytes: 5_000_000 } });
      const answer = await post('/v1/tasks', parts);
      expectContract(answer, 'post', '/v1/tasks');
      expectProblem(answer, code, part);
      expect(adapter.calls.length).toBe(0);
    });
  }

  for (const label of ['x'.repeat(101), ' ', 'a\nb', 'a\u0000b', 'x'.repeat(2000)]) {
    test(`the label ${JSON.stringify(label).slice(0, 20)} of ${label.length}`, async () => {
      const { post } = await harness();
      const answer = await post('/v1/tasks', [good[0]!, { ...good[1]!, name: label }]);
      if (label.includes('\u0000')) {
        expectProblem(answer, 'malformed-multipart', { index: 1 });
      } else {
        expect(expectProblem(answer, 'invalid-label', (answer.body as Problem).part).part?.index).toBe(1);
      }
    });
  }

  test('a label of bytes that are not UTF-8', async () => {
    const { app } = await harness();
    const body = multipart([good[0]!, { ...good[1]!, name: 'caf?' }]);
    body[body.indexOf('caf?') + 3] = 0xe9;
    const answer = await request(app).post('/v1/tasks').set('Content-Type', multipartType).send(body);
    expectProblem(answer, 'invalid-label', { index: 1, name: 'caf\ufffd', file: '2.png' });
  });
});

describe('POST /v1/tasks/{id}/predictions refuses', () => {
  test('other field names, too many files, broken images', async () => {
    const { post } = await harness();
    const { id } = (await post('/v1/tasks', good)).body as { id: string };
    const path = `/v1/tasks/${id}/predictions`;
    const image = { name: 'images', file: '1.png', content: red[0] };
    const strange = await post(path, [image, { ...image, name: 'image' }]);
    expectContract(strange, 'post', '/v1/tasks/{id}/predictions');
    expectProblem(strange, 'unexpected-part', { index: 1, name: 'image', file: '1.png' });
    const crowd = await post(
      path,
      many(101, () => 'images'),
    );
    expectProblem(crowd, 'too-many-files', { index: 99, name: 'images', file: '99.png' });
    const broken = await post(path, [image, { ...image, content: (await png(1, 2, 3)).subarray(0, 60) }]);
    expectContract(broken, 'post', '/v1/tasks/{id}/predictions');
    expectProblem(broken, 'broken-image', { index: 1, name: 'images', file: '1.png' });
    expectProblem(await post(path, []), 'no-files');
  });
});
