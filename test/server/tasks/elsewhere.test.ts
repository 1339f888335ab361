import { setTimeout } from 'node:timers/promises';
import request from 'supertest';
import { expect, test, vi } from 'vitest';
import { ServiceError } from '../../../server/errors/errors.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import type { TaskStorage } from '../../../server/storage/storage.ts';
import type { Elsewhere } from '../../../server/tasks/elsewhere.ts';
import { workplaceHere } from '../../../server/tasks/fulfil.ts';
import type { PointsEvaluationOrder } from '../../../server/tasks/orders.ts';
import { createFakeAdapter } from '../support/adapter.ts';
import { harness, temporaryFolder } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { support as points } from '../support/regression.ts';
import { support, taskOf } from '../support/tasks.ts';
import { pino } from 'pino';

const { expectProblem } = problemsOf('tasks/elsewhere.test.ts');

/** Others that cannot be asked for anything. */
const away: Elsewhere = {
  check: () => Promise.reject(new ServiceError('queue-unavailable')),
  find: () => Promise.reject(new ServiceError('queue-unavailable')),
  giveUp: () => Promise.reject(new ServiceError('queue-unavailable')),
};

/** A task that is there, and the app that cannot have others made. */
async function withoutOthers(around: (storage: TaskStorage) => TaskStorage = (storage) => storage) {
  const folder = await temporaryFolder();
  const first = await harness({ folder });
  const made = await first.post('/v1/tasks', support);
  await first.close();
  const adapter = createFakeAdapter();
  const storage = await openDiskStorage(folder, pino({ level: 'silent' }));
  const workplace = { ...workplaceHere(adapter), ...away };
  const running = await harness({ adapter, replace: { workplace, storage: around(storage) } });
  return { ...running, made, closeStorage: () => storage.close() };
}

test('while nobody can be asked to make tasks, those that are there are found, others refused before any work', async () => {
  const { app, post, adapter, made, closeStorage } = await withoutOthers();
  const again = await post('/v1/tasks', support);
  expect([again.status, again.body]).toEqual([200, made.body]);
  const refused = expectProblem(await post('/v1/tasks', support.slice(1)), 'queue-unavailable');
  expect(refused.status).toBe(503);
  expect(adapter.calls).toEqual([]);
  const { id } = taskOf(made);
  expect((await request(app).get(`/v1/tasks/${id}/progress`)).status).toBe(200);
  expectProblem(await request(app).get(`/v1/tasks/${'0'.repeat(32)}/progress`), 'queue-unavailable');
  await closeStorage();
});

test('while nobody can be asked, points are predicted for, and not evaluated', async () => {
  const adapter = createFakeAdapter();
  const evaluate = vi.fn(() => Promise.reject(new ServiceError('queue-unavailable')));
  const workplace = {
    ...workplaceHere(adapter),
    ...away,
    check: () => Promise.resolve(),
    evaluatePoints: evaluate,
  };
  const { postJson } = await harness({ adapter, replace: { workplace } });
  const { id } = (await postJson('/v1/tasks', { support: points })).body as { id: string };
  const predicted = await postJson(`/v1/tasks/${id}/predictions`, { x: [0, 1] });
  expect([predicted.status, evaluate.mock.calls]).toEqual([200, []]);
  const query = points.map(([x, y]) => [x / 2, y]);
  const refused = await postJson(`/v1/tasks/${id}/evaluations`, { query });
  expect(expectProblem(refused, 'queue-unavailable').status).toBe(503);
  const [[order]] = evaluate.mock.calls as unknown as [[PointsEvaluationOrder]];
  expect([order.kind, order.task.record.id]).toEqual(['points-evaluation', id]);
  expect(order.x).toEqual(Float32Array.from(query, ([x]) => x!));
});

test('a store that is silent, too, does not hold the refusal up', async () => {
  const { post, closeStorage } = await withoutOthers((storage) => ({
    ...storage,
    read: async () => {
      await setTimeout(5000, undefined, { ref: false });
      return undefined;
    },
    write: (task) => storage.write(task),
    remove: (id) => storage.remove(id),
    state: () => storage.state(),
    close: () => storage.close(),
  }));
  const begun = performance.now();
  expectProblem(await post('/v1/tasks', support), 'queue-unavailable');
  expect(performance.now() - begun).toBeLessThan(1000);
  await closeStorage();
});
