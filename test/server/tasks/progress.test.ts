import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { Background } from '../../../server/concurrency/background.ts';
import type { Schema } from '../../../contract/schema.ts';
import { ServiceError } from '../../../server/errors/errors.ts';
import type { Watcher } from '../../../server/ports.ts';
import { parsePrefer } from '../../../server/http/prefer.ts';
import { TaskProgress } from '../../../server/tasks/progress.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import { Tasks } from '../../../server/tasks/tasks.ts';
import type { TaskPlan } from '../../../server/tasks/tasks.ts';
import { createFakeAdapter, holdAdaptation, untilAborted } from '../support/adapter.ts';
import { expectContract, expectSchema } from '../support/contract.ts';
import { parseEvents } from '../support/events.ts';
import { closedGate } from '../support/gate.ts';
import { harness, listen, temporaryFolder } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { support as points } from '../support/regression.ts';
import { storedTask } from '../support/stored-task.ts';
import { support, taskOf } from '../support/tasks.ts';

const { expectProblem } = problemsOf('tasks/progress.test.ts');

const postAsync = ({ post }: Harness, prefer = 'respond-async') =>
  post('/v1/tasks', support).set('Prefer', prefer);

const progressOf = (answer: request.Response) => answer.body as Schema<'ImagesProgress'>;

/** Looks at a progress until it has ended. */
async function ended({ app }: Harness, path: string): Promise<request.Response> {
  for (;;) {
    const answer = await request(app).get(path);
    expectContract(answer, 'get', '/v1/tasks/{id}/progress');
    if (answer.status !== 200 || !['waiting', 'adapting'].includes(progressOf(answer).state)) return answer;
    await setTimeout(5);
  }
}

/** A stream of events that has begun. */
const openStream = (port: number, path: string, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: { Accept: 'text/event-stream', ...headers } });

/** The whole stream of events, as text and with its status. */
async function stream(port: number, path: string, headers: Record<string, string> = {}) {
  const answer = await openStream(port, path, headers);
  return { status: answer.status, text: await answer.text() };
}

describe('POST /v1/tasks with Prefer: respond-async', () => {
  test('answers 202 and leads to the description that a POST that waits gets', async () => {
    const running = await harness();
    const { started, release } = holdAdaptation(running.adapter);
    const answer = await postAsync(running);
    expectContract(answer, 'post', '/v1/tasks');
    expect(answer.status).toBe(202);
    const { id, ...waiting } = progressOf(answer);
    expect(waiting).toEqual({ kind: 'images', state: 'waiting', steps: 5, fits: [] });
    const path = `/v1/tasks/${id}/progress`;
    expect(answer.headers).toMatchObject({
      location: path,
      'preference-applied': 'respond-async',
      'retry-after': '1',
    });
    await started;
    expectProblem(await request(running.app).get(`/v1/tasks/${id}`), 'unknown-task');
    release();
    const last = progressOf(await ended(running, path));
    expect(last).toMatchObject({ state: 'ready', id });
    expect(last.fits.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(last.genotype).toEqual(last.task?.architecture.genotype);
    const task = await request(running.app).get(`/v1/tasks/${id}`);
    expect(last.task).toEqual(task.body);
    const again = await postAsync(running);
    expect([again.status, again.body]).toEqual([200, task.body]);
    expect(again.headers['preference-applied']).toBeUndefined();
    expect(running.adapter.calls.length).toBe(1);
  });

  test('goes on without its client', async () => {
    const running = await harness();
    const { started, release } = holdAdaptation(running.adapter);
    const { port } = await listen(running.app);
    const answer = await postAsync(running);
    await started;
    release();
    const { status } = await stream(port, answer.headers['location']!);
    expect(status).toBe(200);
    expect(await readdir(join(running.folder, 'tasks'))).toEqual([progressOf(answer).id]);
  });

  test('waits as long as the client wants', async () => {
    const running = await harness();
    const made = await postAsync(running, 'respond-async, wait=30');
    expectContract(made, 'post', '/v1/tasks');
    expect(made.status).toBe(201);
    await request(running.app).delete(made.headers['location']!);
    const { release } = holdAdaptation(running.adapter);
    const late = await postAsync(running, 'wait=1; respond-async=x, respond-async,wait=1');
    expect(late.status).toBe(202);
    release();
    await ended(running, late.headers['location']!);
  });

  test('twenty equal posts at once, waiting and not: one adaptation, one task', async () => {
    const running = await harness();
    const { started, release } = holdAdaptation(running.adapter);
    const posts = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? running.post('/v1/tasks', support) : postAsync(running)).then((answer) => answer),
    );
    await started;
    release();
    const answers = await Promise.all(posts);
    for (const answer of answers) expectContract(answer, 'post', '/v1/tasks');
    const ids = answers.map((answer) => taskOf(answer).id);
    expect(new Set(ids).size).toBe(1);
    expect(running.adapter.calls.length).toBe(1);
    const last = await ended(running, `/v1/tasks/${ids[0]!}/progress`);
    const waited = answers.filter((_, index) => index % 2 === 0);
    expect(waited.map(({ body }) => body as unknown)).toEqual(waited.map(() => progressOf(last).task));
  });

  test('is refused like any other when the body is no task, or the queue is full', async () => {
    const running = await harness();
    const one = await running.post('/v1/tasks', support.slice(0, 1)).set('Prefer', 'respond-async');
    expectProblem(one, 'too-few-classes', { index: 0, name: 'red', file: '1.png' });
    running.adapter.beforeQueue = () => Promise.reject(new ServiceError('overloaded'));
    const full = await postAsync(running);
    expectContract(full, 'post', '/v1/tasks');
    expectProblem(full, 'overloaded');
  });

  test('tells a failure in the progress, with its request id in the log; the next post tries again', async () => {
    const running = await harness();
    const { adapter, log } = running;
    adapter.beforeAdapt = () => Promise.reject(new Error('secret cause'));
    const answer = await postAsync(running).set('X-Request-Id', 'asked-by-me');
    expect(answer.status).toBe(202);
    const path = answer.headers['location']!;
    const failed = await ended(running, path);
    expect(failed.text).not.toContain('secret');
    const { state, problem } = progressOf(failed);
    expect(state).toBe('failed');
    expect(problem).toMatchObject({ code: 'internal', requestId: 'asked-by-me', instance: path });
    const line = log.find(({ msg }) => msg === 'unexpected error');
    expect(line).toMatchObject({ requestId: 'asked-by-me', err: { message: 'secret cause' } });
    adapter.beforeAdapt = () => Promise.resolve();
    await postAsync(running);
    expect(progressOf(await ended(running, path)).state).toBe('ready');
  });

  test('gives the work up when the task is removed', async () => {
    const running = await harness();
    const { port } = await listen(running.app);
    const signals: AbortSignal[] = [];
    running.adapter.beforeAdapt = (signal) => {
      signals.push(signal);
      return untilAborted(signal);
    };
    const [first, second] = [await postAsync(running), await postAsync(running)];
    const path = first.headers['location']!;
    expect(second.headers['location']).toBe(path);
    const watching = await openStream(port, path);
    const removed = await request(running.app).delete(path.replace('/progress', ''));
    expect([removed.status, signals.length, signals[0]!.aborted]).toEqual([204, 1, true]);
    expect(parseEvents(await watching.text()).at(-1)).toMatchObject({
      event: 'failed',
      data: { code: 'unknown-task' },
    });
    expectProblem(await request(running.app).get(path), 'unknown-task');
    expect(running.log.filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
  });
});

describe('GET /v1/tasks/{id}/progress', () => {
  test('as events: all that was and all that comes, from any event on, until 204 ends it', async () => {
    const running = await harness();
    const { port } = await listen(running.app);
    const { started, release } = holdAdaptation(running.adapter);
    const path = (await postAsync(running)).headers['location']!;
    await started;
    const early = await openStream(port, path);
    release();
    const text = await early.text();
    expect(early.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = parseEvents(text);
    const fits = Array.from({ length: 6 }, () => 'fit');
    expect(events.map(({ event }) => event)).toEqual(['accepted', 'started', 'genotype', ...fits, 'ready']);
    const positions = events.slice(0, -1).map((_, index) => String(index));
    expect(events.map(({ id }) => id)).toEqual([...positions, 'end']);
    for (const { event, data } of events) {
      if (event === 'fit') expectSchema('ImagesStepFit', data);
      if (event === 'genotype') expectSchema('Genotype', data);
    }
    const task = await request(running.app).get(path.replace('/progress', ''));
    expect(events.at(-1)!.data).toEqual(task.body);
    expect((await stream(port, path)).text).toBe(text);
    const rest = await stream(port, path, { 'Last-Event-ID': '7' });
    expect(parseEvents(rest.text)).toEqual(events.slice(8));
    expect(await stream(port, path, { 'Last-Event-ID': 'end' })).toMatchObject({ status: 204, text: '' });
  });

  test('of a task that was made before the start: ready alone', async () => {
    const before = await harness();
    const { id } = taskOf(await before.post('/v1/tasks', support));
    await before.close();
    const after = await harness({ folder: before.folder, adapter: createFakeAdapter() });
    const { port } = await listen(after.app);
    const path = `/v1/tasks/${id}/progress`;
    const { task, ...progress } = progressOf(await ended(after, path));
    expect(progress).toEqual({ kind: 'images', id, state: 'ready', steps: 5, fits: [] });
    const events = parseEvents((await stream(port, path)).text);
    expect(events).toEqual([{ id: 'end', event: 'ready', data: task }]);
    // whoever followed the making, which is not remembered, still learns of the end
    const rest = await stream(port, path, { 'Last-Event-ID': '7' });
    expect(parseEvents(rest.text)).toEqual(events);
    expect((await stream(port, path, { 'Last-Event-ID': 'end' })).status).toBe(204);
  });

  test('is unknown for what was never asked for, or was removed', async () => {
    const running = await harness();
    const { id } = taskOf(await running.post('/v1/tasks', support));
    await request(running.app).delete(`/v1/tasks/${id}`);
    for (const unknown of [id, '0'.repeat(32), '__proto__'])
      expectProblem(await request(running.app).get(`/v1/tasks/${unknown}/progress`), 'unknown-task');
  });

  test('of a regression task has the mean squared error of every step', async () => {
    const running = await harness();
    const answer = await running.postJson('/v1/tasks', { support: points }).set('Prefer', 'respond-async');
    expectContract(answer, 'post', '/v1/tasks');
    const body = (await ended(running, answer.headers['location']!)).body as Schema<'RegressionProgress'>;
    expect(body.fits.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
    const { before, after } = body.task!.support;
    expect(body.fits[0]).toEqual({ step: 0, ...before });
    expect(body.fits[5]).toEqual({ step: 5, ...after });
  });
});

/** Tasks over a real folder, and a plan that the queue takes, and that ends by its signal or the gate only. */
async function takenOn() {
  const logger = pino({ level: 'silent' });
  const background = new Background(logger);
  const tasks = new Tasks(await openDiskStorage(await temporaryFolder(), logger), background);
  const gate = closedGate();
  const make = async ({ signal, report }: Watcher) => {
    report({ kind: 'accepted' });
    await Promise.race([gate.pass(), untilAborted(signal)]);
    return storedTask(1);
  };
  const { id } = storedTask(1).record;
  const plan: TaskPlan = { id, kind: 'images', steps: 1, requestId: '', make };
  return { tasks, background, plan, gate };
}

test('whoever waits a while for a task gets its progress when it is removed meanwhile', async () => {
  const { tasks, background, plan, gate } = await takenOn();
  const waiting = tasks.begin(plan, 60, { client: 'one', signal: new AbortController().signal });
  await gate.reached;
  await setImmediate(); // it waits now
  await tasks.remove(plan.id);
  expect(await waiting).toBeInstanceOf(TaskProgress);
  await background.idle();
});

test('a wait ends with its client, the work does not, and a shutdown waits for it meanwhile', async () => {
  const { tasks, background, plan, gate } = await takenOn();
  const client = new AbortController();
  const waiting = tasks.begin(plan, 60, { client: 'one', signal: client.signal });
  await gate.reached;
  await setImmediate(); // it waits now
  const ends: string[] = [];
  const idle = background.idle().then(() => ends.push('idle'));
  client.abort(new Error('gone'));
  expect(await waiting).toBeInstanceOf(TaskProgress);
  ends.push('wait');
  gate.open();
  await idle;
  expect(ends).toEqual(['wait', 'idle']);
  expect((await tasks.get(plan.id)).record.id).toBe(plan.id);
  await expect(tasks.begin(plan, 60, { client: 'one', signal: client.signal })).rejects.toThrow('gone');
});

test('what is remembered of a task that was made holds nothing of its upload', async () => {
  const logger = pino({ level: 'silent' });
  const storage = await openDiskStorage(await temporaryFolder(), logger);
  const tasks = new Tasks(storage, new Background(logger));
  const outline = { id: '0'.repeat(32), kind: 'images', steps: 1, requestId: 'a' } as const;
  const make = () => Promise.reject(new Error('no worker'));
  await expect(
    tasks.create({ ...outline, make }, { client: 'one', signal: new AbortController().signal }),
  ).rejects.toThrow('no worker');
  expect((await tasks.progress(outline.id)).outline).toEqual(outline);
});

test('a shutdown waits for what goes on in the background', async () => {
  const background = new Background(pino({ level: 'silent' }));
  const gate = closedGate();
  background.add(gate.pass(), 'a');
  background.add(Promise.reject(new Error('failed')), 'b');
  let isIdle = false;
  const idle = background.idle().then(() => (isIdle = true));
  await setImmediate();
  expect(isIdle).toBe(false);
  gate.open();
  await idle;
});

test('Prefer is read as RFC 7240 has it', () => {
  const cases: readonly (readonly [string | undefined, boolean, number])[] = [
    [undefined, false, 0],
    ['', false, 0],
    ['respond-async', true, 0],
    ['Respond-Async ; foo="a", wait = 10', true, 10],
    ['wait="5",respond-async', true, 5],
    ['wait=5, wait=9', false, 5],
    ['respond-async, wait=9999', true, 60],
    ['respond-async, wait=-1', true, 0],
    ['return=minimal, x="respond-async"', false, 0],
    ['respond async', false, 0],
  ];
  for (const [header, respondAsync, wait] of cases)
    expect(parsePrefer(header), header ?? 'none').toEqual({ respondAsync, wait });
});
