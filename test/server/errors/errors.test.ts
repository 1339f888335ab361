import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { ServiceError } from '../../../server/errors/errors.ts';
import { unavailableWhenFailing } from '../../../server/storage/faults.ts';
import type { TaskStorage } from '../../../server/storage/storage.ts';
import { createFakeAdapter } from '../support/adapter.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { colours } from '../support/multipart.ts';
import type { RawPart } from '../support/multipart.ts';
import { problemsOf } from '../support/problem.ts';
import { taskOf } from '../support/tasks.ts';

const { expectProblem } = problemsOf('errors/errors.test.ts');
const { red, blue } = await colours();
const good: readonly RawPart[] = [
  { name: 'red', file: '1.png', content: red[0] },
  { name: 'blue', file: '2.png', content: blue[0] },
];

describe('POST /v1/tasks refuses', () => {
  test('unknown query parameters and values', async () => {
    const { post } = await harness();
    const queries = [
      'stepz=3',
      'steps=-1',
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

  test('a task when there is no checkpoint', async () => {
    const { app, post } = await harness({ adapter: createFakeAdapter([]) });
    const answer = await post('/v1/tasks', good);
    expectProblem(answer, 'not-ready');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    const ready = await request(app).get('/readyz');
    expectContract(ready, 'get', '/readyz');
    expectProblem(ready, 'not-ready');
  });

  test('a task when the queue is full', async () => {
    const { post, adapter } = await harness();
    adapter.beforeAdapt = () => Promise.reject(new ServiceError('overloaded'));
    expectProblem(await post('/v1/tasks', good), 'overloaded');
  });
});

describe('paths and methods', () => {
  test('unknown paths and tasks', async () => {
    const { app, post } = await harness();
    for (const path of ['/v1', '/v1/task', '/v20/tasks', '/v1/tasks/a/b/c']) {
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
      '/v1/tasks/x/progress': 'GET, HEAD, OPTIONS',
      '/v1/tasks/x/model': 'GET, HEAD, OPTIONS',
      '/v1/tasks/x/predictions': 'POST, OPTIONS',
      '/v1/checkpoints': 'GET, HEAD, OPTIONS',
      '/healthz': 'GET, HEAD, OPTIONS',
      '/readyz': 'GET, HEAD, OPTIONS',
      '/metrics': 'GET, HEAD, OPTIONS',
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
    const decodeImage = () => Promise.reject(new Error('secret'));
    const { post, log } = await harness({ replace: { decodeImage } });
    const answer = await post('/v1/tasks', good);
    expectContract(answer, 'post', '/v1/tasks');
    const { requestId } = expectProblem(answer, 'internal');
    expect(answer.text).not.toContain('secret');
    const line = log.find((entry) => entry['msg'] === 'unexpected error');
    expect(line).toMatchObject({ requestId, err: { message: 'secret' } });
  });

  test('storage that fails is 503 for tasks, not for readiness, and its fault is in the log only', async () => {
    // as ioredis tells of a refused command
    const command = { name: 'auth', args: ['password'] };
    const fail = () => Promise.reject(Object.assign(new Error('secret'), { command }));
    const state = () => Promise.resolve({ readable: false, writable: false, losses: 0 });
    const reads = { read: fail, readRecord: fail, readModel: fail };
    const failing: TaskStorage = { ...reads, write: fail, remove: fail, state, close: fail };
    const lines: string[] = [];
    const storage = unavailableWhenFailing(failing, pino({}, { write: (line) => lines.push(line) }));
    const { app, post } = await harness({ replace: { storage } });
    const read = await request(app).get(`/v1/tasks/${'0'.repeat(32)}`);
    expectContract(read, 'get', '/v1/tasks/{id}');
    for (const answer of [read, await post('/v1/tasks', good)]) {
      expectProblem(answer, 'storage-unavailable');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.text).not.toContain('secret');
    }
    const ready = await request(app).get('/readyz');
    expectContract(ready, 'get', '/readyz');
    expect(ready.body).toMatchObject({ status: 'ready', storage: { readable: false, writable: false } });
    expect((await request(app).get('/healthz')).status).toBe(200);
    expect(lines.join()).toContain('secret');
    expect(lines.join()).not.toContain('password');
  });

  test('a task of a newer version, after a rollback', async () => {
    const { app, post, folder } = await harness();
    const { id } = taskOf(await post('/v1/tasks', good));
    const record = join(folder, 'tasks', id, 'task.json');
    await writeFile(record, (await readFile(record, 'utf8')).replace('"version":1', '"version":2'));
    const answer = await request(app).get(`/v1/tasks/${id}`);
    expectContract(answer, 'get', '/v1/tasks/{id}');
    expectProblem(answer, 'newer-task');
    expect((await post('/v1/tasks', good)).status).toBe(201); // an equal one, that both versions can read
    expect((await request(app).get(`/v1/tasks/${id}`)).status).toBe(200);
  });

  test('readiness follows the workers and the shutdown', async () => {
    const readiness = { workersReady: false, draining: false };
    const { app } = await harness({ replace: { readiness } });
    expectProblem(await request(app).get('/readyz'), 'not-ready');
    readiness.workersReady = true;
    expect((await request(app).get('/readyz')).status).toBe(200);
    readiness.draining = true;
    expectProblem(await request(app).get('/readyz'), 'not-ready');
    expect((await request(app).get('/healthz')).status).toBe(200);
  });
});
