import request from 'supertest';
import type { Express } from 'express';
import { describe, expect, test, vi } from 'vitest';
import { Redis as Client } from 'ioredis';
import type { Schema } from '../../../contract/schema.ts';
import { hasRedis } from '../../../bench/serve/redis.ts';
import { createFakeAdapter, untilAborted } from '../support/adapter.ts';
import type { FakeAdapter } from '../support/adapter.ts';
import { closedGate } from '../support/gate.ts';
import { harness, listen } from '../support/harness.ts';
import { ownRedis } from '../support/own-redis.ts';
import { support } from '../support/regression.ts';
import { queueWorker, replica } from '../support/shared-queue.ts';

const query = support.map(([x, y]) => [x + 0.1, y] as const);
const postJson = (app: Express, path: string, body: unknown) =>
  request(app)
    .post(path)
    .send(body as object);
const evaluate = (app: Express, id: string, points: unknown = query) =>
  postJson(app, `/v1/tasks/${id}/evaluations`, { query: points });
const codeOf = ({ status, body }: request.Response) => [status, (body as Schema<'Problem'>).code];

async function madeBy(app: Express): Promise<string> {
  const made = await postJson(app, '/v1/tasks', { support });
  expect(made.status).toBe(201);
  return (made.body as { id: string }).id;
}

/** A worker's adapter whose predictions wait for `release`, or for the end of who has asked. */
function held() {
  const adapter = createFakeAdapter();
  const own = createFakeAdapter();
  const aborted: unknown[] = [];
  const { reached, pass, open } = closedGate();
  const predict = vi.fn<FakeAdapter['predictRegression']>(async (asked, asker) => {
    asker.signal.addEventListener('abort', () => aborted.push(asker.signal.reason));
    await Promise.race([pass(), untilAborted(asker.signal)]);
    return own.predictRegression(asked, asker);
  });
  adapter.predictRegression = predict;
  return { adapter, predict, aborted, started: reached, release: open };
}

if (!hasRedis) console.warn('redis-server is not there: evaluations of points over the queue are not tested');

describe.skipIf(!hasRedis)('evaluations of points by a queue in Redis (needs redis-server)', () => {
  const redis = ownRedis();

  test('are what one process alone gives, done by a worker; predictions are done by the replica', async () => {
    const alone = await harness();
    const { adapter } = await queueWorker(redis.url);
    const predict = vi.spyOn(adapter, 'predictRegression');
    const [one, other] = [await replica(redis.url), await replica(redis.url)];
    const id = await madeBy(one.app);
    expect(await madeBy(alone.app)).toBe(id);
    const answer = await evaluate(other.app, id);
    expect([answer.status, answer.body]).toEqual([200, (await evaluate(alone.app, id)).body as unknown]);
    expect(predict).toHaveBeenCalledTimes(1);
    const predicted = await postJson(other.app, `/v1/tasks/${id}/predictions`, { x: [0, 1] });
    expect([predicted.status, predict.mock.calls.length]).toEqual([200, 1]);
    const far = await evaluate(other.app, id, [[0, 0], [3e38, 0]]); // prettier-ignore
    expect([...codeOf(far), (far.body as Schema<'Problem'>).pointer]).toEqual([
      422,
      'not-predictable',
      '/query/1/0',
    ]);
  });

  test('are one job where they are equal, of whichever replicas', async () => {
    const { adapter, predict, started, release } = held();
    await queueWorker(redis.url, { adapter });
    const [one, other] = [await replica(redis.url), await replica(redis.url)];
    const id = await madeBy(one.app);
    const first = evaluate(one.app, id).then(({ body }) => body as unknown);
    await started;
    const second = evaluate(other.app, id).then(({ body }) => body as unknown);
    const differing = evaluate(other.app, id, query.slice(1)).then(({ body }) => body as unknown);
    await vi.waitFor(async () => {
      const client = new Client(redis.url);
      const waiting = await client.keys('{m-nas:queue}:waiters:*');
      const replicas = await Promise.all(waiting.map((name) => client.hlen(name)));
      client.disconnect();
      expect(replicas.sort()).toEqual([1, 2]);
    }, 10_000);
    release();
    expect(await second).toEqual(await first);
    expect(await differing).not.toEqual(await first);
    expect(predict).toHaveBeenCalledTimes(2);
  });

  test('end with the client that waits for them', async () => {
    const { adapter, aborted, started } = held();
    await queueWorker(redis.url, { adapter });
    const { app } = await replica(redis.url);
    const id = await madeBy(app);
    const { port } = await listen(app);
    const controller = new AbortController();
    const asked = fetch(`http://127.0.0.1:${port}/v1/tasks/${id}/evaluations`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query }),
      signal: controller.signal,
    }).catch(() => undefined);
    await started;
    expect(aborted).toEqual([]);
    controller.abort();
    await vi.waitFor(() => expect(aborted.length).toBe(1), 10_000);
    await asked;
  });

  test('of a task that is removed before a worker has them are 404; a full queue refuses them', async () => {
    const first = await queueWorker(redis.url);
    const { app, queue } = await replica(redis.url);
    const id = await madeBy(app);
    const full = await replica(redis.url, { waiting: 0 });
    expect(codeOf(await evaluate(full.app, id))).toEqual([503, 'overloaded']);
    await first.worker.close(0);
    const waiting = evaluate(app, id).then(codeOf);
    await vi.waitFor(async () => expect((await queue.stats()).waiting).toBe(1), 10_000);
    expect((await request(full.app).delete(`/v1/tasks/${id}`)).status).toBe(204);
    await queueWorker(redis.url);
    expect(await waiting).toEqual([404, 'unknown-task']);
  });
});
