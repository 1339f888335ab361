import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import request from 'supertest';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { catalogue, ServiceError, type ErrorCode, type Part, type Problem } from '../../server/errors.ts';
import { createFakeAdapter } from './support/adapter.ts';
import { expectContract, expectSchema } from './support/contract.ts';
import { harness, LIMITS, listen, type Harness, type HarnessOptions } from './support/harness.ts';
import { BOUNDARY, colours, CONTENT_TYPE, multipart, png, type RawPart } from './support/multipart.ts';

const { red, blue } = await colours();
const good: readonly RawPart[] = [
  { name: 'red', file: '1.png', content: red[0] },
  { name: 'blue', file: '2.png', content: blue[0] },
];
const provoked = new Set<ErrorCode>();
afterAll(() => {
  expect(Object.keys(catalogue).filter((code) => !provoked.has(code as ErrorCode))).toEqual([]);
});

/** Checks an answer against the catalogue and notes its code. */
function expectProblem(answer: request.Response, code: ErrorCode, part?: Part): Problem {
  const problem = (
    Buffer.isBuffer(answer.body) ? JSON.parse(answer.body.toString()) : answer.body
  ) as Problem;
  expect(problem).toMatchObject({ code, status: catalogue[code].status, title: catalogue[code].title });
  expect(answer.status).toBe(catalogue[code].status);
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(problem.requestId).toBe(answer.headers['x-request-id']);
  expect(problem.part).toEqual(part);
  expectSchema('Problem', problem);
  provoked.add(code);
  return problem;
}

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
    parts: [good[0]!, { name: 'blue', file: 'b.png', content: Buffer.alloc(LIMITS.fileBytes + 1) }],
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
        expectProblem(answer, 'malformed-multipart', { index: 0, name: 'red', file: '1.png' });
      } else {
        expect(expectProblem(answer, 'invalid-label', (answer.body as Problem).part).part?.index).toBe(1);
      }
    });
  }

  test('a label of bytes that are not UTF-8', async () => {
    const { app } = await harness();
    const body = multipart([good[0]!, { ...good[1]!, name: 'caf?' }]);
    body[body.indexOf('caf?') + 3] = 0xe9;
    const answer = await request(app).post('/v1/tasks').set('Content-Type', CONTENT_TYPE).send(body);
    expectProblem(answer, 'invalid-label', { index: 1, name: 'caf\ufffd', file: '2.png' });
  });

  test('unknown query parameters and values', async () => {
    const { post } = await harness();
    const queries = [
      'stepz=3',
      'steps=0',
      'steps=51',
      'steps=5.5',
      'steps=1e1',
      'steps=',
      'steps=2&steps=3',
      '__proto__=1',
      'checkpoint=',
    ];
    for (const query of queries) {
      const answer = await post(`/v1/tasks?${query}`, good);
      expectContract(answer, 'post', '/v1/tasks');
      expect(expectProblem(answer, 'invalid-query').detail).toContain(query.split('=')[0]);
    }
    expectProblem(await post('/v1/tasks?checkpoint=nope', good), 'unknown-checkpoint');
    expectProblem(await post('/v1/tasks?checkpoint=__proto__', good), 'unknown-checkpoint');
  });

  test('other content types, a missing boundary and content encodings', async () => {
    const { app } = await harness();
    const send = (headers: Record<string, string>, body: Buffer | string) =>
      request(app).post('/v1/tasks').set(headers).send(body);
    for (const type of ['application/json', 'multipart/mixed; boundary=x', 'image/png', 'text/plain']) {
      expectProblem(await send({ 'Content-Type': type }, '{}'), 'unsupported-media-type');
    }
    expectProblem(await request(app).post('/v1/tasks'), 'unsupported-media-type');
    const encoded = { 'Content-Type': CONTENT_TYPE, 'Content-Encoding': 'gzip' };
    expectProblem(await send(encoded, multipart(good)), 'unsupported-media-type');
    expectProblem(await send({ 'Content-Type': 'multipart/form-data' }, multipart(good)), 'missing-boundary');
    expectProblem(
      await send({ 'Content-Type': 'multipart/form-data; boundary=' }, multipart(good)),
      'missing-boundary',
    );
  });

  test('a body that ends early, wherever that is', async () => {
    const { app } = await harness();
    const whole = multipart(good);
    for (let length = 0; length < whole.length - 4; length += 7) {
      const answer = await request(app)
        .post('/v1/tasks')
        .set('Content-Type', CONTENT_TYPE)
        .send(whole.subarray(0, length));
      const { code, part } = answer.body as Problem;
      expect(['truncated-body', 'malformed-multipart'], `${length} bytes`).toContain(code);
      expectProblem(answer, code, part);
      if (length > 200) expect(part?.name).toMatch(/red|blue/);
    }
  });

  test('malformed part headers', async () => {
    const { app } = await harness();
    const body = `--${BOUNDARY}\r\nno colon here\r\n\r\nx\r\n--${BOUNDARY}--\r\n`;
    const answer = await request(app).post('/v1/tasks').set('Content-Type', CONTENT_TYPE).send(body);
    expectProblem(answer, 'malformed-multipart');
  });

  test('a body over the limit, by its Content-Length', async () => {
    const { post } = await harness({ limits: { bodyBytes: 1000 } });
    const answer = await post('/v1/tasks', [...good, { name: 'x', file: 'x', content: Buffer.alloc(2000) }]);
    expectContract(answer, 'post', '/v1/tasks');
    expectProblem(answer, 'body-too-large');
  });

  test('a task when there is no checkpoint', async () => {
    const { app, post } = await harness({ adapter: createFakeAdapter([]) });
    const answer = await post('/v1/tasks', good);
    expectProblem(answer, 'not-ready');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    const ready = await request(app).get('/readyz');
    expectContract(ready, 'get', '/readyz');
    expectProblem(ready, 'not-ready');
  });

  test('more uploads at a time than allowed, and takes them again later', async () => {
    const { post, adapter } = await harness({ limits: { uploads: 1 } });
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let began = () => {};
    const started = new Promise<void>((resolve) => (began = resolve));
    adapter.beforeAdapt = () => {
      began();
      return held;
    };
    const first = post('/v1/tasks', good).then(({ status }) => status);
    await started;
    const refused = await post('/v1/tasks', good);
    expectContract(refused, 'post', '/v1/tasks');
    expectProblem(refused, 'overloaded');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    release();
    expect(await first).toBe(201);
    expect((await post('/v1/tasks', good)).status).toBe(200);
  });

  test('a task when the queue is full', async () => {
    const { post, adapter } = await harness();
    adapter.beforeAdapt = () => Promise.reject(new ServiceError('overloaded'));
    expectProblem(await post('/v1/tasks', good), 'overloaded');
  });
});

/** Sends bytes as they are; resolves with everything that came back once the server closes or falls silent. */
async function raw(
  options: HarnessOptions,
  chunks: readonly (Buffer | string)[],
  waitMs: number,
): Promise<[string, Harness]> {
  const running = await harness(options);
  const { port } = await listen(running.app);
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (data) => (text += data.toString()));
  socket.on('error', () => undefined); // the server may cut a refused body
  for (const chunk of chunks) socket.write(chunk);
  await Promise.race([once(socket, 'close'), setTimeout(waitMs), answered(() => text)]);
  socket.destroy();
  return [text, running];
}

async function answered(text: () => string): Promise<void> {
  while (!text().includes('}')) await setTimeout(5);
}

function expectRawProblem(text: string, code: ErrorCode): void {
  expect(text.split('\r\n')[0]).toContain(` ${catalogue[code].status} `);
  expect(text).toContain(`"code":"${code}"`);
  provoked.add(code);
}

const head = (extra: string) =>
  `POST /v1/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: ${CONTENT_TYPE}\r\n${extra}\r\n\r\n`;

describe('bodies sent by hand', () => {
  test('a body that stops and never goes on gets 408', async () => {
    const chunks = [head('Content-Length: 100000'), multipart(good).subarray(0, 200)];
    const [text] = await raw({ limits: { uploadSeconds: 0.2 } }, chunks, 3000);
    expectRawProblem(text, 'upload-timeout');
  });

  test('a chunked body over the limit is refused while it is sent', async () => {
    const filler = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000), Buffer.from('\r\n')]);
    const start = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n`;
    const chunks = [
      head('Transfer-Encoding: chunked'),
      `${start.length.toString(16)}\r\n${start}\r\n`,
      ...Array.from({ length: 20 }, () => filler),
    ];
    const [text] = await raw({ limits: { bodyBytes: 500_000, fileBytes: 10_000_000 } }, chunks, 3000);
    expectRawProblem(text, 'body-too-large');
  });

  test('a client that hangs up in the middle breaks nothing', async () => {
    const running = await harness();
    const { port } = await listen(running.app);
    for (let length = 0; length < 400; length += 50) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(head('Content-Length: 100000'));
      socket.write(multipart(good).subarray(0, length));
      await setTimeout(10);
      socket.destroy();
    }
    await setTimeout(50);
    expect(running.log.filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
    expect((await running.post('/v1/tasks', good)).status).toBe(201);
  });
});

describe('paths and methods', () => {
  test('unknown paths and tasks', async () => {
    const { app, post } = await harness();
    for (const path of ['/', '/v1', '/v1/task', '/v2/tasks', '/v1/tasks/a/b/c']) {
      expectProblem(await request(app).get(path), 'not-found');
    }
    const ids = ['0'.repeat(32), 'A'.repeat(32), 'x', '..%2f..%2fetc', '__proto__', '%00'];
    for (const id of ids) {
      const answer = await request(app).get(`/v1/tasks/${id}`);
      expectContract(answer, 'get', '/v1/tasks/{id}');
      expectProblem(answer, 'unknown-task');
      expectProblem(await request(app).delete(`/v1/tasks/${id}`), 'unknown-task');
      expectProblem(await request(app).get(`/v1/tasks/${id}/model`), 'unknown-task');
      expectProblem(await post(`/v1/tasks/${id}/predictions`, good), 'unknown-task');
    }
    expectProblem(await request(app).get('/v1/tasks/%ff'), 'malformed-request');
    expectProblem(await request(app).get(`/v1/tasks/${ids[0]}?x=1`), 'invalid-query');
    expectProblem(await request(app).get('/v1/checkpoints?x=1'), 'invalid-query');
  });

  test('wrong methods get 405 with Allow, OPTIONS gets Allow', async () => {
    const { app } = await harness();
    const allowed = {
      '/v1/tasks': 'POST, OPTIONS',
      '/v1/tasks/x': 'GET, HEAD, DELETE, OPTIONS',
      '/v1/tasks/x/model': 'GET, HEAD, OPTIONS',
      '/v1/tasks/x/predictions': 'POST, OPTIONS',
      '/v1/checkpoints': 'GET, HEAD, OPTIONS',
      '/healthz': 'GET, HEAD, OPTIONS',
      '/readyz': 'GET, HEAD, OPTIONS',
    };
    for (const [path, allow] of Object.entries(allowed)) {
      const answer = await request(app).patch(path);
      expectProblem(answer, 'method-not-allowed');
      expect(answer.headers['allow']).toBe(allow);
      const options = await request(app).options(path);
      expect([options.status, options.headers['allow']]).toEqual([204, allow]);
    }
  });

  test('an unexpected failure is an opaque 500 whose cause is in the log under the request id', async () => {
    const storage = {
      read: () => Promise.reject(new Error('secret')),
      write: () => Promise.reject(new Error('secret')),
      remove: () => Promise.reject(new Error('secret')),
    };
    const { app, log } = await harness({ replace: { storage } });
    const answer = await request(app).get(`/v1/tasks/${'0'.repeat(32)}`);
    expectContract(answer, 'get', '/v1/tasks/{id}');
    const { requestId } = expectProblem(answer, 'internal');
    expect(answer.text).not.toContain('secret');
    const line = log.find((entry) => entry['msg'] === 'unexpected error');
    expect(line).toMatchObject({ requestId, err: { message: 'secret' } });
  });

  test('readiness follows the workers and the shutdown', async () => {
    const readiness = { workersAnswered: false, draining: false };
    const { app } = await harness({ replace: { readiness } });
    expectProblem(await request(app).get('/readyz'), 'not-ready');
    readiness.workersAnswered = true;
    expect((await request(app).get('/readyz')).status).toBe(200);
    readiness.draining = true;
    expectProblem(await request(app).get('/readyz'), 'not-ready');
    expect((await request(app).get('/healthz')).status).toBe(200);
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
