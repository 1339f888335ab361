import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import request from 'supertest';
import { describe, expect, test, vi } from 'vitest';
import { ClientGoneError } from '../../../server/http/client.ts';
import { head, raw } from '../support/by-hand.ts';
import { expectContract } from '../support/contract.ts';
import { untilAborted } from '../support/adapter.ts';
import { harness, heldDecoding, listen } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { regressionOf, support } from '../support/regression.ts';
import { support as images } from '../support/tasks.ts';

const { expectProblem, expectRawProblem } = problemsOf('upload/json.test.ts');
const text = JSON.stringify({ support });
/** What may stand outside of strings, and in all. */
const structureBytes = 1024 * 1024;
const jsonBytes = 32 * structureBytes;

const jsonHead = (extra: string, path?: string) => head(extra, path, 'application/json');

describe('a body of JSON', () => {
  test('has no other content encoding and no charset but UTF-8', async () => {
    const { app } = await harness();
    const send = (headers: Record<string, string>) => request(app).post('/v1/tasks').set(headers).send(text);
    const type = { 'Content-Type': 'application/json' };
    for (const headers of [
      { 'Content-Type': 'application/json; charset=latin1' },
      { 'Content-Type': 'application/problem+json' },
      { 'Content-Type': 'text/json' },
    ]) {
      const answer = await send(headers);
      expectContract(answer, 'post', '/v1/tasks');
      expectProblem(answer, 'unsupported-media-type');
      expect(answer.headers['accept-post']).toContain('application/json');
    }
    const packed = await send({ ...type, 'Content-Encoding': 'br' });
    expectProblem(packed, 'unsupported-media-type');
    expect(packed.headers['accept-encoding']).toBe('gzip, deflate');
    expect((await send({ ...type, 'Content-Encoding': 'identity' })).status).toBe(201);
  });

  test('is UTF-8', async () => {
    const { app } = await harness();
    const body = Buffer.from('{"caf?": 1}');
    body[body.indexOf('?')] = 0xe9;
    const [path, type] = ['/v1/tasks', 'application/json'];
    const answer = await request(app)
      .post(path)
      .set('Content-Type', type)
      .serialize(() => body as unknown as string)
      .send({});
    expectProblem(answer, 'malformed-json');
  });

  test('has a limit of its own, by its length and while it is sent', async () => {
    const announced = await raw(
      { limits: { bodyBytes: 100_000_000 } },
      [jsonHead(`Content-Length: ${jsonBytes + 1}`)],
      3000,
    );
    expectRawProblem(announced[0], 'body-too-large');
    const chunk = `100000\r\n"${'x'.repeat(0x100000 - 1)}\r\n`;
    const chunks = [jsonHead('Transfer-Encoding: chunked'), ...Array.from({ length: 33 }, () => chunk)];
    const [answer] = await raw({ limits: { bodyBytes: 100_000_000 } }, chunks, 5000);
    expectRawProblem(answer, 'body-too-large');
  });

  test('has little outside of its strings, which takes much more memory than its text', async () => {
    const { postJson } = await harness({ limits: { bodyBytes: 100_000_000 } });
    const inStrings = '"support"'.length;
    expect((await postJson('/v1/tasks', text.padEnd(structureBytes + inStrings))).status).toBe(201);
    const padded = await postJson('/v1/tasks', text.padEnd(structureBytes + inStrings + 1));
    expectContract(padded, 'post', '/v1/tasks');
    expectProblem(padded, 'body-too-large');
    for (const bomb of [
      '[]'.repeat(structureBytes),
      '"\\\\",'.repeat(2 * structureBytes),
      '"\\"'.repeat(9) + '['.repeat(2 * structureBytes),
    ])
      expect([400, 413]).toContain((await postJson('/v1/tasks', bomb)).status);
    const long = JSON.stringify({ support: [[1, 2]], note: '\\"'.repeat(structureBytes / 4) });
    expectProblem(await postJson('/v1/tasks', long), 'unexpected-member', '/note');
  });

  test('has few escapes, which take many times as long as plain text', async () => {
    const { postJson } = await harness({ limits: { bodyBytes: 100_000_000 } });
    for (const escape of ['\\\\', '\\"', '\\u0000']) {
      const body = `{"support":"${escape.repeat(Math.ceil(30_000_000 / escape.length))}"}`;
      const answer = await postJson('/v1/tasks', body);
      expectProblem(answer, 'body-too-large');
    }
    const slashes = { support: [[1, 2]], note: '/'.repeat(structureBytes / 4) }; // as PHP escapes base64
    const body = JSON.stringify(slashes).replaceAll('/', '\\/');
    expectProblem(await postJson('/v1/tasks', body), 'unexpected-member', '/note');
  });

  test('has the limit of all bodies where that is smaller', async () => {
    const { postJson } = await harness({ limits: { bodyBytes: 100 } });
    expectProblem(await postJson('/v1/tasks', text.padEnd(101)), 'body-too-large');
  });

  test('that stops and never goes on gets 408, also for predictions', async () => {
    const limits = { uploadSeconds: 0.2 };
    const chunks = [jsonHead('Content-Length: 1000'), '{"support": [['];
    expectRawProblem((await raw({ limits }, chunks, 3000))[0], 'upload-timeout');
    const { folder, postJson, close } = await harness();
    const { id } = regressionOf(await postJson('/v1/tasks', { support }));
    await close();
    const query = [jsonHead('Content-Length: 1000', `/v1/tasks/${id}/predictions`), '{"x": '];
    expectRawProblem((await raw({ limits, folder }, query, 3000))[0], 'upload-timeout');
  });

  test('is one too many beside an upload, and taken again later', async () => {
    const { decodeImage, begun, release } = heldDecoding();
    const limits = { uploads: 1, waitingUploads: 0 };
    const { post, postJson } = await harness({ limits, replace: { decodeImage } });
    const first = post('/v1/tasks', images).then(({ status }) => status);
    await begun(1);
    const refused = await postJson('/v1/tasks', { support });
    expectContract(refused, 'post', '/v1/tasks');
    expectProblem(refused, 'too-much-at-once');
    release();
    expect(await first).toBe(201);
    expect((await postJson('/v1/tasks', { support })).status).toBe(201);
  });

  test('of a client that hangs up in the middle breaks nothing and holds no place', async () => {
    const { app, log, postJson } = await harness({ limits: { uploads: 2 } });
    const { server, port } = await listen(app);
    for (let length = 0; length < text.length; length += 20) {
      const arrived = once(server, 'request');
      const socket = connect(port, '127.0.0.1');
      socket.write(jsonHead(`Content-Length: ${text.length}`));
      socket.write(text.slice(0, length));
      await arrived;
      socket.destroy();
    }
    const given = Math.ceil(text.length / 20);
    const gone = () => log.filter(({ disconnected }) => disconnected).length;
    await vi.waitFor(() => expect(gone()).toBe(given), { timeout: 20_000 });
    expect(log.filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
    expect((await postJson('/v1/tasks', { support })).status).toBe(201);
  });
});

test('an adaptation to points ends with its client and leaves nothing', async () => {
  const { app, adapter, folder, log } = await harness();
  const { port } = await listen(app);
  const signals: AbortSignal[] = [];
  adapter.beforeAdapt = async (signal) => {
    signals.push(signal);
    return untilAborted(signal);
  };
  const socket = connect(port, '127.0.0.1');
  socket.write(jsonHead(`Content-Length: ${text.length}`) + text);
  while (signals.length === 0) await setTimeout(5);
  socket.destroy();
  while (!signals[0]!.aborted) await setTimeout(5);
  expect(signals[0]!.reason).toBeInstanceOf(ClientGoneError);
  expect(await readdir(join(folder, 'tasks'))).toEqual([]);
  expect(log.filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
});

test('the log has no number of a body', async () => {
  const { postJson, log } = await harness();
  const secret = [[0.123456, 0.654321]];
  const { id } = regressionOf(await postJson('/v1/tasks', { support: secret }));
  await postJson(`/v1/tasks/${id}/predictions`, { x: [0.123456] });
  await postJson('/v1/tasks', { support: [['0.123456', 1]] });
  await postJson('/v1/tasks', '{"support": 0.123456 654321');
  expect(log.length).toBe(4);
  expect(JSON.stringify(log)).not.toMatch(/123456|654321/);
});
