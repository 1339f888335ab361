import { setTimeout } from 'node:timers/promises';
import request from 'supertest';
import type { Express } from 'express';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Redis as Client } from 'ioredis';
import type { Schema } from '../../../contract/schema.ts';
import { taskJobId } from '../../../server/queue/job.ts';
import { queuePrefix, queueName } from '../../../server/queue/names.ts';
import type { RegressionCheckpoint } from '../../../server/ports.ts';
import { regressionTaskId } from '../../../server/tasks/identity.ts';
import { ServiceError } from '../../../server/errors/errors.ts';
import { createFakeAdapter, holdAdaptation } from '../support/adapter.ts';
import { parseEvents } from '../support/events.ts';
import { harness, listen, temporaryFolder } from '../support/harness.ts';
import { multipartType, multipart } from '../support/multipart.ts';
import type { RawPart } from '../support/multipart.ts';
import { hasRedis, startRedis } from '../../../bench/serve/redis.ts';
import { ownRedis } from '../support/own-redis.ts';
import { queueWorker, replica } from '../support/shared-queue.ts';
import { shades, support, taskOf } from '../support/tasks.ts';

const post = (app: Express, parts: readonly RawPart[] = support, path = '/v1/tasks') =>
  request(app).post(path).set('Content-Type', multipartType).send(multipart(parts));
const postAsync = (app: Express) => post(app).set('Prefer', 'respond-async');
const progressOf = async (app: Express, id: string) =>
  (await request(app).get(`/v1/tasks/${id}/progress`)).body as Schema<'ImagesProgress'>;
const codeOf = ({ body }: request.Response) => (body as Schema<'Problem'>).code;

if (!hasRedis) console.warn('redis-server is not there: the queue that replicas share is not tested');

describe.skipIf(!hasRedis)('a queue in Redis (needs redis-server)', () => {
  const redis = ownRedis();

  test('twenty equal posts over two replicas: one adaptation, one 201, twenty equal descriptions', async () => {
    const { adapter } = await queueWorker(redis.url);
    const replicas = [await replica(redis.url), await replica(redis.url)];
    const asked = Array.from({ length: 20 }, (_, i) => post(replicas[i % 2]!.app));
    const answers = await Promise.all(asked);
    expect(adapter.calls.length).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(19).fill(200), 201]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  test('a task that another replica made while this one asked for it is not made twice, and no second 201', async () => {
    const { adapter } = await queueWorker(redis.url);
    const [one, other] = [await replica(redis.url), await replica(redis.url)];
    const first = await post(one.app);
    vi.spyOn(other.storage, 'read').mockResolvedValueOnce(undefined); // as it was when it looked
    const second = await post(other.app);
    expect([first.status, second.status, adapter.calls.length]).toEqual([201, 200, 1]);
    expect(second.text).toBe(first.text);
  });

  test('a task, an estimate and an evaluation are what one process alone gives', async () => {
    const alone = await harness();
    const { adapter } = await queueWorker(redis.url);
    const { app } = await replica(redis.url);
    const { id } = taskOf(await post(app));
    const expected = taskOf(await alone.post('/v1/tasks', support));
    expect([id, taskOf(await request(app).get(`/v1/tasks/${id}`)).model.sha256]).toEqual([
      expected.id,
      expected.model.sha256,
    ]);
    const pairs = [...support, ...support.map((part) => ({ ...part, content: shades.red[1] }))];
    const queries = [{ name: 'red', file: 'q.png', content: shades.blue[0] }, ...support];
    for (const [path, parts] of [
      ['/v1/estimates', pairs],
      [`/v1/tasks/${id}/evaluations`, queries],
    ] as const) {
      const answer = await post(app, parts, path);
      expect([path, answer.status, answer.body]).toEqual([
        path,
        200,
        (await alone.post(path, parts)).body as unknown,
      ]);
    }
    expect(adapter.calls.length).toBeGreaterThan(1); // those of the folds, too
    const points = { support: [0, 1, 2, 3].map((x) => [x, x / 3]) };
    const made = await request(app).post('/v1/tasks').send(points);
    expect([made.status, taskOf(made).id]).toEqual([
      201,
      taskOf(await alone.postJson('/v1/tasks', points)).id,
    ]);
  });

  test('progress and events are read from any replica, while a task is made and after it failed', async () => {
    const { adapter } = await queueWorker(redis.url);
    const [one, other] = [await replica(redis.url), await replica(redis.url)];
    const { started, release } = holdAdaptation(adapter);
    const { id } = progressBody(await postAsync(one.app));
    expect((await progressOf(other.app, id)).state).toBe('waiting');
    await started;
    const { port } = await listen(other.app);
    const events = fetch(`http://127.0.0.1:${port}/v1/tasks/${id}/progress`, {
      headers: { Accept: 'text/event-stream' },
    }).then((answer) => answer.text());
    await setTimeout(200);
    release();
    const kinds = parseEvents(await events).map(({ event }) => event);
    expect(kinds).toEqual(['accepted', 'started', 'genotype', ...Array<string>(6).fill('fit'), 'ready']);
    expect((await progressOf(one.app, id)).state).toBe('ready');

    adapter.beforeAdapt = () => Promise.reject(new ServiceError('not-adaptable', { detail: 'too far' }));
    const points = { support: [0, 1, 2].map((x) => [x, 2 * x]) };
    const failing = await request(one.app).post('/v1/tasks').set('Prefer', 'respond-async').send(points);
    const failed = progressBody(failing).id;
    await vi.waitFor(async () => expect((await progressOf(other.app, failed)).state).toBe('failed'), 5000);
    expect((await progressOf(other.app, failed)).problem).toMatchObject({
      code: 'not-adaptable',
      detail: 'too far',
    });
  });

  test('DELETE on another replica stops a task that is being made, and one that waits', async () => {
    const { adapter } = await queueWorker(redis.url);
    const [one, other] = [await replica(redis.url), await replica(redis.url)];
    const { started } = holdAdaptation(adapter);
    const { id } = progressBody(await postAsync(one.app));
    await started;
    const waiting = progressBody(
      await request(one.app)
        .post('/v1/tasks')
        .set('Prefer', 'respond-async')
        .send({ support: [[0, 1], [1, 2]] }), // prettier-ignore
    ).id;
    for (const removed of [waiting, id]) {
      expect((await request(other.app).delete(`/v1/tasks/${removed}`)).status).toBe(204);
      expect((await request(other.app).get(`/v1/tasks/${removed}`)).status).toBe(404);
    }
    await vi.waitFor(async () => expect((await progressOf(one.app, id)).state).toBe('failed'), 5000);
    expect(adapter.calls.length).toBe(1);
    adapter.beforeAdapt = () => Promise.resolve();
    expect((await post(other.app)).status).toBe(201); // it may be made anew
  });

  test('work ends with the last client that waits for it, on whichever replica', async () => {
    const { adapter } = await queueWorker(redis.url);
    const [one, other] = [await replica(redis.url), await replica(redis.url)];
    const { started, release } = holdAdaptation(adapter);
    let aborted = 0;
    const hold = adapter.beforeAdapt;
    adapter.beforeAdapt = (signal) => {
      signal.addEventListener('abort', () => aborted++);
      return hold(signal);
    };
    const hangUp = async (app: Express) => {
      const { port } = await listen(app);
      const controller = new AbortController();
      const asked = fetch(`http://127.0.0.1:${port}/v1/tasks`, {
        method: 'POST',
        headers: { 'Content-Type': multipartType },
        body: Uint8Array.from(multipart(support)),
        signal: controller.signal,
      }).catch(() => undefined);
      return { hangUp: () => controller.abort(), asked };
    };
    const first = await hangUp(one.app);
    await started;
    const second = await hangUp(other.app);
    await setTimeout(500);
    first.hangUp();
    await setTimeout(1500);
    expect(aborted).toBe(0);
    second.hangUp();
    await vi.waitFor(() => expect(aborted).toBe(1), 5000);
    release();
    expect(adapter.calls.length).toBe(1);
  });

  test('a worker that stops gives its job back, and the next one tells no event twice', async () => {
    const stopping = await queueWorker(redis.url);
    const { app } = await replica(redis.url);
    const { started } = holdAdaptation(stopping.adapter);
    const { id } = progressBody(await postAsync(app));
    await started;
    const closed = stopping.worker.close(0);
    const next = await queueWorker(redis.url);
    await closed;
    await vi.waitFor(async () => expect((await progressOf(app, id)).state).toBe('ready'), 10_000);
    expect([stopping.adapter.calls.length, next.adapter.calls.length]).toEqual([1, 1]);
    expect((await progressOf(app, id)).fits.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('a store that fails at the end does not lose the task: it is made again', async () => {
    let failures = 1;
    const { adapter } = await queueWorker(redis.url, {
      around: (storage) => ({
        read: (id, signal) => storage.read(id, signal),
        write: (task) =>
          failures-- > 0 ? Promise.reject(new ServiceError('storage-unavailable')) : storage.write(task),
      }),
    });
    const { app } = await replica(redis.url);
    expect((await post(app)).status).toBe(201);
    expect(adapter.calls.length).toBe(2);
  });

  test('a job at which three workers have died is given up, and who waits for it is told', async () => {
    const { app } = await replica(redis.url);
    const { id } = progressBody(await postAsync(app));
    const client = new Client(redis.url);
    await client.hset(`${queuePrefix}:${queueName}:${taskJobId(id)}`, 'stc', 3); // as BullMQ counts them
    client.disconnect();
    const { adapter } = await queueWorker(redis.url);
    await vi.waitFor(async () => expect((await progressOf(app, id)).state).toBe('failed'), 5000);
    expect((await progressOf(app, id)).problem).toMatchObject({ code: 'internal', status: 500 });
    expect(adapter.calls.length).toBe(0);
  });

  test('a worker of another version leaves jobs to those of their own', async () => {
    const foreign = await queueWorker(redis.url, { maker: 'another' });
    const { app } = await replica(redis.url);
    const asked = post(app).then((answer) => answer.status);
    await setTimeout(500);
    const own = await queueWorker(redis.url);
    expect(await asked).toBe(201);
    expect([foreign.adapter.calls.length, own.adapter.calls.length]).toEqual([0, 1]);
  });

  test('clients take turns over all replicas', async () => {
    const replicas = [await replica(redis.url), await replica(redis.url)];
    const { toolchain, checkpoints } = createFakeAdapter();
    const checkpoint = checkpoints.find(({ id }) => id === 'toy') as RegressionCheckpoint;
    const { signal } = new AbortController();
    const made: string[] = [];
    const ask = async (client: string, number: number) => {
      const points: [number, number][] = [
        [number, 1],
        [9, 2],
      ];
      const id = regressionTaskId({ checkpoint, steps: 5, toolchain }, points);
      const about = { requestId: client, requestedAt: Date.now(), spent: { receive: 0 } };
      const order = { id, kind: 'regression', checkpoint, steps: 5, points, ...about } as const;
      const { workplace } = replicas[number % 2]!.queue;
      await new Promise<void>((resolve) => {
        const making = workplace.make(order, { client, signal, report: () => resolve() });
        void making.then(() => made.push(client));
      });
    };
    const clients = ['greedy', 'greedy', 'greedy', 'greedy', 'modest', 'modest'];
    for (const [number, client] of clients.entries()) await ask(client, number);
    await queueWorker(redis.url);
    await vi.waitFor(() => expect(made.length).toBe(6), 20_000);
    expect(made).toEqual(['greedy', 'modest', 'greedy', 'modest', 'greedy', 'greedy']);
  });

  test('clients have limits over all replicas', async () => {
    const { app } = await replica(redis.url, { waiting: 4 });
    const points = (y: number) => ({ support: [[0, y], [1, 2]] }); // prettier-ignore
    const ask = (y: number) => request(app).post('/v1/tasks').set('Prefer', 'respond-async').send(points(y));
    expect([(await ask(1)).status, (await ask(2)).status]).toEqual([202, 202]);
    await setTimeout(300);
    const { app: other, queue } = await replica(redis.url, { waiting: 4 });
    const refused = await request(other).post('/v1/tasks').send(points(3));
    expect([refused.status, codeOf(refused)]).toEqual([429, 'too-much-at-once']);
    expect(await queue.stats()).toMatchObject({ waiting: 2, active: 0, lanes: 0 });
    const full = await replica(redis.url, { waiting: 2 });
    const overloaded = await request(full.app).post('/v1/tasks').send(points(4));
    expect([overloaded.status, codeOf(overloaded)]).toEqual([503, 'overloaded']);
  });

  test('without Redis, work is refused within a second; what was taken on is done when it is back', async () => {
    const folder = await temporaryFolder();
    const own = await startRedis({ folder });
    const { app } = await replica(own.url);
    const points = { support: [[0, 1], [1, 2]] }; // prettier-ignore
    const { id } = progressBody(
      await request(app).post('/v1/tasks').set('Prefer', 'respond-async').send(points),
    );
    await own.stop();
    await setTimeout(300); // that it answered holds so long
    const begun = performance.now();
    const refused = await post(app);
    expect(performance.now() - begun).toBeLessThan(1000);
    expect([refused.status, codeOf(refused)]).toEqual([503, 'queue-unavailable']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const back = await startRedis({ folder, port: own.port });
    onTestFinished(back.stop);
    await queueWorker(own.url);
    await vi.waitFor(async () => expect((await progressOf(app, id)).state).toBe('ready'), 20_000);
  });
});

const progressBody = ({ status, body }: request.Response) => {
  expect(status).toBe(202);
  return body as Schema<'ImagesProgress'>;
};
