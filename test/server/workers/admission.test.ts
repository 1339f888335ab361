import { describe, expect, test } from 'vitest';
import { QueueFullError } from '../../../engine/errors.ts';
import { ServiceError } from '../../../server/errors/errors.ts';
import { admit } from '../../../server/workers/admission.ts';
import type { WorkLimits } from '../../../server/workers/admission.ts';
import { Backlog } from '../../../server/workers/backlog.ts';
import { createPoolAdapter } from '../../../server/workers/pool-adapter.ts';
import type { ServerPool } from '../../../server/workers/pool-adapter.ts';
import { createFakeAdapter, createFakePool, everyKind, unlimited } from '../support/adapter.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { support, taskOf } from '../support/tasks.ts';

const { expectProblem, noteCode } = problemsOf('workers/admission.test.ts');
const toolchain = { exporter: 1, onnxruntime: '1.0.0', provider: 'cpu' };

/** A backlog whose workers do a multiply-add a second. */
function slow(workers = 1): Backlog {
  const backlog = new Backlog(workers);
  for (let i = 0; i < 100; i++) backlog.learn(60, 60);
  return backlog;
}

const limits: WorkLimits = { requestCost: 1000, clientCost: 500, clientRequests: 3, jobBytes: 1e9 };
const noMemory = { atLeast: 0, view: 0 };
const imagesCost = { memory: { once: noMemory, stepped: noMemory } };
const { signal } = new AbortController();
const asker = (client = 'a', seconds?: number) => ({
  client,
  signal,
  ...(seconds === undefined ? {} : { deadline: performance.now() + 1000 * seconds }),
});
const work = (cost: number, bytes = 0) => ({ cost, serial: cost, bytes });

/** The error that something throws. */
function refusalOf(action: () => unknown): ServiceError {
  try {
    action();
  } catch (error) {
    if (error instanceof ServiceError) {
      noteCode(error.code);
      return error;
    }
  }
  throw new Error('it was not refused');
}
const retryAfter = ({ headers }: ServiceError) => Number(headers['Retry-After']);

describe('an adaptation is refused before any work is done', () => {
  test('that costs more than a request may', () => {
    const refusal = refusalOf(() => admit(slow(), limits, asker(), work(2e9)));
    expect(refusal).toMatchObject({ code: 'too-much-work' });
    expect(refusal.message).toContain('2,000 million multiply-adds');
    expect(refusal.headers).toEqual({}); // another time does not help
  });

  test('that needs more memory than there is', () => {
    const refusal = refusalOf(() => admit(slow(), limits, asker(), work(10, 2e9)));
    expect(refusal).toMatchObject({ code: 'too-much-work' });
    expect(refusal.message).toContain('1,907 MiB of memory, 954 are there');
    expect(refusal.headers).toEqual({});
    admit(slow(), limits, asker(), work(10, 1e9));
  });

  test('of a client that has as much undone as it may, by cost or by number, until some is done', () => {
    const backlog = slow();
    const over = admit(backlog, limits, asker(), work(400));
    const refusal = refusalOf(() => admit(backlog, limits, asker(), work(200)));
    expect(refusal).toMatchObject({ code: 'too-much-at-once' });
    // a hundred seconds' work must be done before
    expect(retryAfter(refusal)).toBeGreaterThanOrEqual(100);
    expect(retryAfter(refusal)).toBeLessThanOrEqual(151);
    admit(backlog, limits, asker('b'), work(400));
    admit(backlog, limits, asker(), work(10));
    admit(backlog, limits, asker(), work(10));
    const many = refusalOf(() => admit(backlog, limits, asker(), work(10)));
    expect(many.message).toContain('3 of your adaptations');
    over();
    admit(backlog, limits, asker(), work(200));
    // alone it is taken whatever a client may have
    admit(backlog, limits, asker('c'), work(900));
  });

  test('that would not be done in time: in itself for good, by the queue for a while', () => {
    const backlog = slow(2);
    const alone = refusalOf(() => admit(backlog, limits, asker('a', 60), work(100)));
    expect(alone).toMatchObject({ code: 'too-much-work' });
    expect(alone.message).toMatch(/estimated to take 100 seconds, and the request has 60 left/);
    admit(backlog, limits, asker(), work(100)); // it does not wait for it
    admit(backlog, limits, asker('b', 61), work(40)); // as much of the other before it, by two workers: 20 s
    admit(backlog, limits, asker('b'), work(40));
    const queued = refusalOf(() => admit(backlog, limits, asker('b', 60), work(40)));
    expect(queued).toMatchObject({ code: 'deadline-exceeded' });
    // 80 of its own and 100 of the other, by two workers
    expect(queued.message).toMatch(/begin in 90 seconds and to take 40, and the request has 60 left/);
    expect(retryAfter(queued)).toBeGreaterThanOrEqual(70);
  });
});

describe('the service', () => {
  test('says so before a worker begins, but not of what is there already', async () => {
    const pool = createFakePool();
    const tight = { ...unlimited.limits, requestCost: 1e6 };
    const make = (given: WorkLimits) => ({
      ...createFakeAdapter(),
      ...createPoolAdapter(pool, everyKind, toolchain, { ...unlimited, limits: given }),
    });
    const { folder, close, post } = await harness({ adapter: make(unlimited.limits) });
    const { id } = taskOf(await post('/v1/tasks', support));
    await close();
    const { post: postTight } = await harness({ folder, adapter: make(tight) });
    expect(taskOf(await postTight('/v1/tasks', support)).id).toBe(id);
    const refused = await postTight('/v1/tasks?steps=50', support);
    expectProblem(refused, 'too-much-work');
    const estimate = await postTight('/v1/estimates', support);
    expectProblem(estimate, 'too-much-work');
  });

  test('refuses at once what a deadline has no room for, and takes it where there is none', async () => {
    const never: ServerPool = {
      run: (job) => (job === 'adaptImages' ? new Promise(() => undefined) : Promise.reject(new Error(job))),
    };
    const costly = everyKind.map((checkpoint) => ({
      ...checkpoint,
      cost: { ...imagesCost, once: 0, step: 1e11 },
    }));
    const adapter = { ...createFakeAdapter(), ...createPoolAdapter(never, costly, toolchain, unlimited) };
    const { post } = await harness({ adapter });
    const started = performance.now();
    const refused = expectProblem(await post('/v1/tasks', support), 'too-much-work');
    expect(performance.now() - started).toBeLessThan(5000);
    expect(refused.detail).toContain('respond-async');
  });

  test('tells by its queue when to come again, each client another time', async () => {
    const full: ServerPool = { run: () => Promise.reject(new QueueFullError('full')) };
    const costly = everyKind.map((checkpoint) => ({
      ...checkpoint,
      cost: { ...imagesCost, once: 0, step: 1e9 },
    }));
    const adapter = createPoolAdapter(full, costly, toolchain, unlimited);
    const waiting = createPoolAdapter(
      { run: (job) => (job === 'planes' ? Promise.reject(new Error()) : new Promise(() => undefined)) },
      costly,
      toolchain,
      unlimited,
    );
    expect([adapter.waitFor('a'), waiting.waitFor('a')]).toEqual([0, 0]);
    const image = (label: string) => ({ label, pixels: new Uint8Array(192) });
    const request = { checkpoint: 'photos', steps: 50, support: [image('a'), image('b')] };
    const watcher = { ...asker(), report: () => undefined };
    void waiting.adaptImages(request, watcher);
    void waiting.adaptImages(request, { ...watcher, client: 'b' });
    expect(waiting.waitFor('a')).toBeGreaterThan(5);
    // as much of each of the others as a usual one takes goes before it
    expect(waiting.waitFor('c')).toBeCloseTo(waiting.waitFor('a'));
    const refusals = await Promise.all(
      Array.from({ length: 30 }, () =>
        adapter.adaptImages(request, watcher).catch((error: unknown) => error),
      ),
    );
    const told = refusals.map((error) => {
      expect(error).toMatchObject({ code: 'overloaded' });
      noteCode('overloaded');
      return retryAfter(error as ServiceError);
    });
    expect(Math.min(...told)).toBeGreaterThan(2);
    expect(new Set(told).size).toBeGreaterThan(3);
  });
});

test('speed is learned from what was done', () => {
  const backlog = new Backlog(2);
  const before = backlog.seconds(1e9);
  for (let i = 0; i < 20; i++) backlog.learn(1e9, 10);
  expect(backlog.seconds(1e9) / before).toBeGreaterThan(50);
  expect(backlog.waitFor('a', 1e9)).toBe(0);
  const done = [backlog.add('a', 2e9), backlog.add('b', 8e9)];
  expect(backlog.waitFor('a', 0)).toBeCloseTo(backlog.seconds(4e9) / 2);
  expect(backlog.waitFor('b', 0)).toBeCloseTo(backlog.seconds(10e9) / 2);
  expect(backlog.waitFor('c', 1e9)).toBeCloseTo(backlog.seconds(2e9) / 2);
  done.forEach((end) => end());
  expect([backlog.waitFor('a', 0), backlog.relief()]).toEqual([0, 0]);
});
