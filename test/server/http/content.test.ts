import { createHash } from 'node:crypto';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { support, taskOf } from '../support/tasks.ts';

const { expectProblem } = problemsOf('http/content.test.ts');

const digest = (bytes: Uint8Array) => `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;

async function downloadable() {
  const { app, post } = await harness();
  const { id } = taskOf(await post('/v1/tasks', support));
  const get = (headers: Readonly<Record<string, string>> = {}) =>
    request(app).get(`/v1/tasks/${id}/model`).set(headers).responseType('blob');
  const whole = await get();
  return { app, id, get, bytes: whole.body as Buffer, whole };
}

describe('a download', () => {
  test('has the digests of RFC 9530, of the whole and of what is sent', async () => {
    const { get, bytes, whole } = await downloadable();
    expect(whole.headers).toMatchObject({
      'content-digest': digest(bytes),
      'repr-digest': digest(bytes),
      'accept-ranges': 'bytes',
    });
    const part = await get({ Range: 'bytes=10-19' });
    expectContract(part, 'get', '/v1/tasks/{id}/model');
    expect(part.status).toBe(206);
    expect(part.headers).toMatchObject({
      'content-range': `bytes 10-19/${bytes.length}`,
      'content-length': '10',
      'content-digest': digest(bytes.subarray(10, 20)),
      'repr-digest': digest(bytes),
      etag: whole.headers['etag'],
    });
    expect(part.body).toEqual(bytes.subarray(10, 20));
  });

  test('is the same file with float32 weights where it has no others', async () => {
    const { app, id, bytes, whole } = await downloadable();
    const path = `/v1/tasks/${id}/model?weights=float32`;
    const wide = await request(app).get(path).responseType('blob');
    expectContract(wide, 'get', '/v1/tasks/{id}/model');
    expect(wide.body).toEqual(bytes);
    expect(wide.headers['etag']).toBe(whole.headers['etag']);
    const again = await request(app).get(path).set('If-None-Match', whole.headers['etag']!);
    expect(again.status).toBe(304);
  });

  test('has no twin of 8-bit integers where it tells no ranges', async () => {
    const { app, id } = await downloadable();
    expectProblem(await request(app).get(`/v1/tasks/${id}/model?weights=int8`), 'no-integer-weights');
  });

  test.each([
    ['bytes=-7', -7, undefined],
    ['bytes=5-', 5, undefined],
    ['bytes=0-0', 0, 1],
    ['bytes=3-99999999', 3, undefined],
    ['bytes=-999999999', 0, undefined],
    ['bytes=-99999999999999999999999', 0, undefined],
    ['bytes=9999999-, 5-', 5, undefined],
  ])('gives %s', async (range, start, end) => {
    const { get, bytes } = await downloadable();
    const part = await get({ Range: range });
    expect([part.status, part.body]).toEqual([206, bytes.subarray(start, end)]);
  });

  test('is sent whole for several ranges, other units, nonsense, and when If-Range names another file', async () => {
    const { get, bytes, whole } = await downloadable();
    for (const range of ['bytes=0-1,5-6', 'lines=0-1', 'nonsense', 'bytes=', 'bytes=5-2', 'bytes=-']) {
      const answer = await get({ Range: range });
      expect([answer.status, answer.body], range).toEqual([200, bytes]);
    }
    const other = await get({ Range: 'bytes=0-1', 'If-Range': '"other"' });
    expect([other.status, other.body]).toEqual([200, bytes]);
    const same = await get({ Range: 'bytes=0-1', 'If-Range': whole.headers['etag']! });
    expect([same.status, same.body]).toEqual([206, bytes.subarray(0, 2)]);
  });

  test('refuses a range behind its end with 416 and its length', async () => {
    const { get, bytes } = await downloadable();
    expect((await get({ Range: 'bytes=-0' })).status).toBe(416);
    const answer = await get({ Range: `bytes=${bytes.length}-` });
    expectProblem(answer, 'range-not-satisfiable');
    expect(answer.headers['content-range']).toBe(`bytes */${bytes.length}`);
    for (const header of ['accept-ranges', 'content-disposition', 'content-digest', 'repr-digest'])
      expect(answer.headers, 'of the download only').not.toHaveProperty(header);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('is not sent again to who has it, whatever range is asked for; HEAD tells its headers', async () => {
    const { app, id, get, bytes, whole } = await downloadable();
    const again = await get({ 'If-None-Match': whole.headers['etag']!, Range: 'bytes=0-1' });
    expectContract(again, 'get', '/v1/tasks/{id}/model');
    expect(again.status).toBe(304);
    expect(again.headers['content-digest']).toBeUndefined();
    const head = await request(app).head(`/v1/tasks/${id}/model`);
    expect(head.headers).toMatchObject({
      'content-length': String(bytes.length),
      'content-digest': digest(bytes),
      etag: whole.headers['etag'],
    });
  });
});
