import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import request from 'supertest';
import { describe, expect, test, vi } from 'vitest';
import { ServiceError } from '../../../server/errors/errors.ts';
import type { ErrorCode, Problem } from '../../../server/errors/errors.ts';
import { translate } from '../../../server/upload/multipart.ts';
import type { TaskStorage } from '../../../server/storage/storage.ts';
import { expectContract } from '../support/contract.ts';
import { head, raw } from '../support/by-hand.ts';
import { closedGate } from '../support/gate.ts';
import { harness, heldDecoding, listen } from '../support/harness.ts';
import { multipartBoundary, colours, multipartType, multipart } from '../support/multipart.ts';
import type { RawPart } from '../support/multipart.ts';
import { problemsOf } from '../support/problem.ts';
import { storedTask } from '../support/stored-task.ts';

const { expectProblem, expectRawProblem } = problemsOf('upload/upload.test.ts');
const { red, blue } = await colours();
const good: readonly RawPart[] = [
  { name: 'red', file: '1.png', content: red[0] },
  { name: 'blue', file: '2.png', content: blue[0] },
];

describe('an upload is refused that', () => {
  test('has another content type, a missing boundary and content encodings', async () => {
    const { app } = await harness();
    const send = (headers: Record<string, string>, body: Buffer | string) =>
      request(app).post('/v1/tasks').set(headers).send(body);
    for (const type of ['application/xml', 'multipart/mixed; boundary=x', 'image/png', 'text/plain']) {
      const answer = await send({ 'Content-Type': type }, '{}');
      const { detail } = expectProblem(answer, 'unsupported-media-type');
      expect(answer.headers['accept-post']).toBe('multipart/form-data, application/zip, application/json');
      expect(detail).toContain('multipart/form-data or application/zip or application/json');
    }
    expectProblem(await request(app).post('/v1/tasks'), 'unsupported-media-type');
    const encoded = { 'Content-Type': multipartType, 'Content-Encoding': 'br' };
    expectProblem(await send(encoded, multipart(good)), 'unsupported-media-type');
    expectProblem(await send({ 'Content-Type': 'multipart/form-data' }, multipart(good)), 'missing-boundary');
    expectProblem(
      await send({ 'Content-Type': 'multipart/form-data; boundary=' }, multipart(good)),
      'missing-boundary',
    );
  });

  test('has a content type that parsers could read differently', async () => {
    const { app } = await harness();
    const send = (parameters: string) =>
      request(app)
        .post('/v1/tasks')
        .set('Content-Type', `multipart/form-data${parameters}`)
        .send(multipart(good));
    for (const parameters of [
      `; charset="x; boundary=${multipartBoundary}"`,
      '; boundary="',
      '; boundary=""',
    ])
      expectProblem(await send(parameters), 'missing-boundary');
    for (const parameters of [
      `; boundary=${multipartBoundary}"z`,
      '; boundary="a\\"b"',
      `; boundary=${'x'.repeat(71)}`,
    ])
      expectProblem(await send(parameters), 'malformed-multipart');
    const accepted = [
      `;; boundary=${multipartBoundary}`,
      `; charset="a;b"; BOUNDARY="${multipartBoundary}";`,
      `; boundary=${multipartBoundary}; boundary=y`,
    ];
    for (const parameters of accepted) expect([200, 201]).toContain((await send(parameters)).status);
  });

  test('ends early, wherever that is', async () => {
    const { app } = await harness();
    const whole = multipart(good);
    for (let length = 0; length < whole.length - 4; length += 7) {
      const answer = await request(app)
        .post('/v1/tasks')
        .set('Content-Type', multipartType)
        .send(whole.subarray(0, length));
      const { code, part } = answer.body as Problem;
      expect(['truncated-body', 'malformed-multipart'], `${length} bytes`).toContain(code);
      expectProblem(answer, code, part);
      if (length > 200) expect(part?.name).toMatch(/red|blue/);
    }
  });

  test('has malformed part headers', async () => {
    const { app } = await harness();
    const body = `--${multipartBoundary}\r\nno colon here\r\n\r\nx\r\n--${multipartBoundary}--\r\n`;
    const answer = await request(app).post('/v1/tasks').set('Content-Type', multipartType).send(body);
    expectProblem(answer, 'malformed-multipart', { index: 0 });
  });

  test('is over the limit by its Content-Length', async () => {
    const { post } = await harness({ limits: { bodyBytes: 1000 } });
    const answer = await post('/v1/tasks', [...good, { name: 'x', file: 'x', content: Buffer.alloc(2000) }]);
    expectContract(answer, 'post', '/v1/tasks');
    expectProblem(answer, 'body-too-large');
  });

  test('is one too many at a time, and taken again later', async () => {
    const { decodeImage, begun, release } = heldDecoding();
    const limits = { uploads: 1, waitingUploads: 0 };
    const { post } = await harness({ limits, access: { proxies: 1 }, replace: { decodeImage } });
    const first = post('/v1/tasks', good).then(({ status }) => status);
    await begun(1);
    const refused = await post('/v1/tasks', good).set('X-Forwarded-For', '192.0.2.2');
    expectContract(refused, 'post', '/v1/tasks');
    expectProblem(refused, 'overloaded');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    release();
    expect(await first).toBe(201);
    expect((await post('/v1/tasks', good)).status).toBe(200);
  });
});

test('one caller has half of the places at most, a key or else an address; the others wait, by turns', async () => {
  const { decodeImage, begun, release } = heldDecoding();
  const { post } = await harness({
    limits: { uploads: 4, waitingUploads: 2, decoding: { parallel: 8, heavyPixels: 1 } },
    access: { proxies: 1 },
    replace: { decodeImage },
  });
  const postFrom = (address: string) => post('/v1/tasks', good).set('X-Forwarded-For', address);
  const statusOf = ({ status }: request.Response) => status;
  const held = [postFrom('192.0.2.1').then(statusOf), postFrom('192.0.2.1').then(statusOf)];
  await begun(2 * good.length);
  const waiting = postFrom('192.0.2.1').then(statusOf);
  await setTimeout(50);
  expect(decodeImage).toHaveBeenCalledTimes(2 * good.length);
  const refused = await postFrom('192.0.2.1');
  expectContract(refused, 'post', '/v1/tasks');
  expectProblem(refused, 'too-much-at-once');
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  const other = postFrom('192.0.2.2').then(statusOf);
  await begun(3 * good.length);
  release();
  expect((await Promise.all([...held, waiting, other])).sort()).toEqual([200, 200, 200, 201]);
});

test('what the parser says of headers that passed the check is not a fault of the service', () => {
  const codeOf = (message: string) => {
    const error = translate(new Error(message), undefined);
    return error instanceof ServiceError ? error.code : undefined;
  };
  expect(codeOf('Multipart: Boundary not found')).toBe('missing-boundary');
  expect(codeOf('Malformed content type')).toBe('malformed-multipart');
  expect(codeOf('disk full')).toBeUndefined();
});

describe('bodies sent by hand', () => {
  test('a body that stops and never goes on gets 408', async () => {
    const chunks = [head('Content-Length: 100000'), multipart(good).subarray(0, 200)];
    const [text] = await raw({ limits: { uploadSeconds: 0.2 } }, chunks, 3000);
    expectRawProblem(text, 'upload-timeout');
  });

  test('a chunked body over the limit is refused while it is sent', async () => {
    const filler = Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(0x10000), Buffer.from('\r\n')]);
    const start = `--${multipartBoundary}\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n`;
    const chunks = [
      head('Transfer-Encoding: chunked'),
      `${start.length.toString(16)}\r\n${start}\r\n`,
      ...Array.from({ length: 20 }, () => filler),
    ];
    const [text] = await raw({ limits: { bodyBytes: 500_000, fileBytes: 10_000_000 } }, chunks, 3000);
    expectRawProblem(text, 'body-too-large');
  });

  test('a part that is refused is so at once, whether the rest comes or not', async () => {
    const part = (name: string, content: Buffer | string) =>
      Buffer.concat([
        Buffer.from(`--${multipartBoundary}\r\nContent-Disposition: form-data; name=${name}\r\n\r\n`),
        Buffer.from(content),
        Buffer.from('\r\n'),
      ]);
    const next = `--${multipartBoundary}\r\n`;
    const refused: readonly (readonly [Buffer, ErrorCode])[] = [
      [part('"a"; filename="a"', Buffer.alloc(300_000)), 'file-too-large'],
      [Buffer.concat([part('"a"', 'x'.repeat(5000)), Buffer.from(next)]), 'too-many-fields'],
      [Buffer.concat(Array.from({ length: 22 }, () => part('"a"', 'x'))), 'too-many-fields'],
      [Buffer.from(`${next}no colon here\r\n\r\nx\r\n`), 'malformed-multipart'],
    ];
    for (const [body, code] of refused) {
      const startedAt = performance.now();
      const [text] = await raw({}, [head('Content-Length: 1900000'), body], 5000);
      expectRawProblem(text, code);
      expect(performance.now() - startedAt, code).toBeLessThan(3000); // of ten that a body may take
    }
  });

  test('a client that hangs up in the middle breaks nothing', async () => {
    const running = await harness();
    const { server, port } = await listen(running.app);
    for (let length = 0; length < 400; length += 50) {
      const arrived = once(server, 'request');
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(head('Content-Length: 100000'));
      socket.write(multipart(good).subarray(0, length));
      await arrived;
      socket.destroy();
    }
    const gone = () => running.log.filter(({ disconnected }) => disconnected).length;
    await vi.waitFor(() => expect(gone()).toBe(400 / 50), { timeout: 20_000 });
    expect(running.log.filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
    expect((await running.post('/v1/tasks', good)).status).toBe(201);
  });

  test('clients that hang up before their upload is read hold no place among the uploads', async () => {
    const gate = closedGate();
    let reads = 0;
    const read = async () => {
      reads++;
      await gate.pass();
      return storedTask(1);
    };
    const storage: TaskStorage = {
      read,
      readRecord: async () => (await read()).record,
      readModel: async () => (await read()).model,
      write: () => Promise.resolve(),
      remove: () => Promise.resolve(false),
      state: () => Promise.resolve({ readable: true, writable: true, losses: 0 }),
      close: () => Promise.resolve(),
    };
    const { app, post, log } = await harness({ limits: { uploads: 2 }, replace: { storage } });
    const { port } = await listen(app);
    const path = `/v1/tasks/${'0'.repeat(32)}/predictions`;
    const one = head('Content-Length: 100000', path);
    // the last one pipelines a second request, whose response never gets a socket
    for (const requests of [one, one, head('Content-Length: 0', path) + one]) {
      const before = reads;
      const socket = connect(port, '127.0.0.1');
      socket.write(requests);
      while (reads === before) await setTimeout(5);
      socket.destroy();
    }
    const gone = () => log.filter(({ disconnected }) => disconnected).length;
    await vi.waitFor(() => expect(gone()).toBeGreaterThanOrEqual(3), { timeout: 20_000 });
    gate.open();
    await vi.waitFor(async () => expectProblem(await post(path, []), 'no-files'), { timeout: 20_000 });
  });
});
