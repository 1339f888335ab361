import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import type { Part, Problem } from '../../../server/errors/errors.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';
import { multipartBoundary, multipartType, multipart } from '../support/multipart.ts';
import { problemsOf } from '../support/problem.ts';
import { shades, support, taskOf } from '../support/tasks.ts';

const { expectProblem } = problemsOf('upload/parts.test.ts');
const image = shades.red[0];
const part = (disposition: string, content: Uint8Array = image) => [
  `--${multipartBoundary}\r\nContent-Disposition: ${disposition}\r\nContent-Type: image/png\r\n\r\n`,
  content,
  '\r\n',
];
const end = `--${multipartBoundary}--\r\n`;
const bodyOf = (...chunks: (string | Uint8Array)[]) =>
  Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
const last = part('form-data; name="images"; filename="last.png"');

async function task() {
  const running = await harness();
  const { id } = taskOf(await running.post('/v1/tasks', support));
  return { ...running, path: `/v1/tasks/${id}/predictions` };
}
const send = (
  { app }: Pick<Harness, 'app'>,
  path: string,
  body: Buffer,
  headers: Record<string, string> = {},
) =>
  request(app)
    .post(path)
    .set({ 'Content-Type': multipartType, ...headers })
    .serialize((value: unknown) => value as string)
    .send(body);
const namesOf = ({ body }: request.Response) =>
  (body as { predictions: readonly { file: string }[] }).predictions.map(({ file }) => file);

describe('as many answers as parts', () => {
  test('whatever the clients of the ecosystem write', async () => {
    const running = await task();
    const dispositions = [
      ['form-data; name="images"; filename=my cat.png', 'my cat.png'],
      ['form-data; name="images"; filename="12" screen.png"', '12" screen.png'],
      ['form-data; name="images"; filename="a.png";', 'a.png'],
      ['form-data; name*=utf-8\'\'images; filename="x.jpg"', 'x.jpg'],
      ['form-data; name="images"; filename*=ISO-8859-1\'\'gr%FCn.png', 'gr\u00fcn.png'],
      ['form-data; name="images"; filename="0%.png"', '0%.png'],
    ] as const;
    const body = bodyOf(...dispositions.flatMap(([disposition]) => part(disposition)), ...last, end);
    const answer = await send(running, running.path, body);
    expectContract(answer, 'post', '/v1/tasks/{id}/predictions');
    expect(namesOf(answer)).toEqual([...dispositions.map(([, file]) => file), 'last.png']);
  });

  test('with a preamble, an epilogue, white space after the boundary and any cut into chunks', async () => {
    const running = await task();
    const padded = part('form-data; name="images"; filename="1.png"').map((chunk) =>
      typeof chunk === 'string'
        ? chunk.replace(`${multipartBoundary}\r\n`, `${multipartBoundary} \t\r\n`)
        : chunk,
    );
    const body = bodyOf('This is for old readers.\r\n', ...padded, ...last, end, 'and so is this');
    expect(namesOf(await send(running, running.path, body))).toEqual(['1.png', 'last.png']);
  });

  test.each<[string, readonly (string | Uint8Array)[], Problem['code'], Part]>([
    [
      'a broken filename*',
      part('form-data; name="images"; filename*=UTF-8\'\'100%.png'),
      'malformed-multipart',
      { index: 0 },
    ],
    ['attachment', part('attachment; name="images"; filename="a.png"'), 'malformed-multipart', { index: 0 }],
    ['no file name', part('form-data; name="images"'), 'text-part', { index: 0, name: 'images' }],
    [
      'an empty one',
      part('form-data; name="images"; filename=""'),
      'empty-file',
      { index: 0, name: 'images' },
    ],
    ['no field name', part('form-data; filename="a.png"'), 'missing-field-name', { index: 0, file: 'a.png' }],
    ['no headers', [`--${multipartBoundary}\r\n\r\n`, image, '\r\n'], 'malformed-multipart', { index: 0 }],
    [
      'no content, not even a line',
      [`--${multipartBoundary}\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n`],
      'empty-file',
      { index: 0, name: 'images', file: 'a' },
    ],
    [
      'an end of lines that is none',
      part('form-data; name="images"; filename="a"').map((chunk) => (chunk === '\r\n' ? '\n' : chunk)),
      'malformed-multipart',
      { index: 0, name: 'images', file: 'a' },
    ],
    [
      'a line that begins with the boundary',
      [...part('form-data; name="images"; filename="a"'), `--${multipartBoundary}x\r\n`],
      'malformed-multipart',
      { index: 0, name: 'images', file: 'a' },
    ],
    [
      'a boundary whose line does not end',
      [...part('form-data; name="images"; filename="a"'), `--${multipartBoundary}${' '.repeat(10_000)}\r\n`],
      'malformed-multipart',
      { index: 0, name: 'images', file: 'a' },
    ],
    [
      'the end in the middle',
      [...part('form-data; name="images"; filename="a"'), end],
      'malformed-multipart',
      { index: 0, name: 'images', file: 'a' },
    ],
    [
      'a first line that is none',
      ['x', ...part('form-data; name="images"; filename="a"')],
      'malformed-multipart',
      { index: 0 },
    ],
    [
      'headers without an end',
      [`--${multipartBoundary}\r\nContent-Disposition: form-data; name="${'x'.repeat(20_000)}`],
      'malformed-multipart',
      { index: 0 },
    ],
  ])('or a refusal: %s', async (_, chunks, code, at) => {
    const running = await task();
    const answer = await send(running, running.path, bodyOf(...chunks, ...last, end));
    expectContract(answer, 'post', '/v1/tasks/{id}/predictions');
    expectProblem(answer, code, at);
  });
});

test('a boundary that the body does not have is named', async () => {
  const running = await task();
  const body = bodyOf('--other\r\nContent-Disposition: form-data; name="images"\r\n\r\nx\r\n--other--\r\n');
  const { detail } = expectProblem(await send(running, running.path, body), 'malformed-multipart');
  expect(detail).toContain(`The boundary "${multipartBoundary}" of the Content-Type stands nowhere`);
});

test("aiohttp's labels are those that were meant", async () => {
  const running = await harness();
  const dispositions = [
    'form-data; name="black\\ cap"; filename="x.jpg"',
    'form-data; name*=utf-8\'\'gr%C3%BCn; filename="x.jpg"',
  ];
  const body = bodyOf(...part(dispositions[0]!), ...part(dispositions[1]!, shades.green[0]), end);
  const answer = await send(running, '/v1/tasks', body);
  expect(taskOf(answer).labels).toEqual(['black cap', 'gr\u00fcn']);
});

describe('a body with a content encoding', () => {
  test('gzip and deflate: the same task as without', async () => {
    const running = await harness();
    const { id } = taskOf(await running.post('/v1/tasks', support));
    const json = Buffer.from(
      JSON.stringify({ support: { a: [image.toString('base64')], b: [shades.blue[0].toString('base64')] } }),
    );
    const asJson = { 'Content-Type': 'application/json' };
    const plain = taskOf(await send(running, '/v1/tasks', json, asJson)).id;
    for (const [encoding, encode] of [
      ['gzip', gzipSync],
      ['X-GZIP', gzipSync],
      ['deflate', deflateSync],
    ] as const) {
      const headers = { 'Content-Encoding': encoding };
      expect(taskOf(await send(running, '/v1/tasks', encode(multipart(support)), headers)).id).toBe(id);
      expect(taskOf(await send(running, '/v1/tasks', encode(json), { ...asJson, ...headers })).id).toBe(
        plain,
      );
    }
  });

  test('others are refused with Accept-Encoding', async () => {
    const running = await harness();
    for (const encoding of ['br', 'zstd', 'gzip, gzip', 'compress', 'toString']) {
      const answer = await send(running, '/v1/tasks', multipart(support), { 'Content-Encoding': encoding });
      expectContract(answer, 'post', '/v1/tasks');
      expectProblem(answer, 'unsupported-media-type');
      expect(answer.headers['accept-encoding']).toBe('gzip, deflate');
    }
  });

  test('that is broken, cut, or a bomb', async () => {
    const running = await harness();
    const json = Buffer.from('{"support":{"a":"x"}}');
    const bomb = gzipSync(bodyOf(...part('form-data; name="a"; filename="a"', Buffer.alloc(300_000_000))), {
      level: 1,
    });
    expect(bomb.length).toBeLessThan(2_000_000);
    for (const type of [multipartType, 'application/json', 'application/zip']) {
      const post = (body: Buffer, encoding = 'gzip') =>
        send(running, '/v1/tasks', body, { 'Content-Type': type, 'Content-Encoding': encoding });
      expectProblem(await post(json), 'malformed-request');
      expectProblem(await post(deflateRawSync(json), 'deflate'), 'malformed-request');
      expectProblem(await post(gzipSync(multipart(support)).subarray(0, -20)), 'truncated-body');
      const { code } = (await post(bomb)).body as Problem;
      expect(['body-too-large', 'file-too-large']).toContain(code);
    }
    expect(running.log.filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
  });
});
