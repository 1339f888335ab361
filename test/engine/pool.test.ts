import { getPriority, platform } from 'node:os';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { JobError, PoolClosedError, QueueFullError, WorkerCrashError } from '../../engine/errors.ts';
import { WorkerPool } from '../../engine/pool.ts';
import type { PoolOptions } from '../../engine/pool-options.ts';
import type { TestJobs } from './fixtures/jobs.ts';

/** Pools whose jobs also have names that no module knows. */
type Pool = WorkerPool<TestJobs & Record<'nothing' | 'toString', (request: null) => void>>;

const pools: Pool[] = [];

function pool(options: Partial<PoolOptions> = {}): Pool {
  const created: Pool = new WorkerPool({
    workers: 1,
    queueLimit: 10,
    jobs: new URL('./fixtures/jobs.ts', import.meta.url),
    engine: { provider: 'cpu', threads: 1, cacheSize: 2 },
    ...options,
  });
  pools.push(created);
  return created;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((each) => each.close()));
});

/** A number on memory that threads share. */
const sharedNumber = () => new Int32Array(new SharedArrayBuffer(4));

function open(gate: Int32Array): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}

describe('WorkerPool', () => {
  test('runs jobs with the worker’s executor and moves buffers both ways', async () => {
    const values = Float32Array.of(1, 2, 3);
    const result = await pool().run('scale', values, { transfer: [values.buffer] });
    expect(result).toEqual(Float32Array.of(2, 4, 6));
    expect(values.length).toBe(0); // moved
    expect(pools[0]?.stats).toMatchObject({ alive: 1, sessions: 1 });
  });

  test('gives up compiled graphs when it is told to, also those of urgent workers, and compiles again', async () => {
    const target = pool({ urgentWorkers: 1 });
    await target.ready();
    const scale = (urgent: boolean) => target.run('scale', Float32Array.of(1), { urgent });
    await Promise.all([scale(false), scale(true)]);
    expect(target.stats.sessions).toBe(2);
    expect(target.stats.sessionBytes).toBeGreaterThan(0);
    target.releaseKept();
    await vi.waitFor(() => expect(target.stats).toMatchObject({ sessions: 0, sessionBytes: 0 }));
    expect(await scale(false)).toEqual(Float32Array.of(2));
    expect(target.stats).toMatchObject({ sessions: 1, crashes: 0, failed: 0 });
    target.releaseKept(); // right before a job
    expect(await Promise.all([scale(false), scale(true)])).toEqual([Float32Array.of(2), Float32Array.of(2)]);
  });

  test('the event loop stays free while a worker is blocked', async () => {
    const target = pool();
    expect(await target.ready()).toEqual([expect.stringMatching(/^onnxruntime 1\..*, provider cpu$/)]);
    const gate = sharedNumber();
    setTimeout(() => open(gate)); // which never happens where the job blocks this thread, too
    expect(await target.run('block', gate)).toBe('blocked');
  });

  test('more jobs than the limit are refused, but for parts of what was taken; the others run in order', async () => {
    const target = pool({ queueLimit: 2 });
    const order: number[] = [];
    const jobs = [30, 2, 1].map(async (milliseconds) => {
      await target.run('sleep', milliseconds);
      order.push(milliseconds);
    });
    expect(target.stats).toMatchObject({ busy: 1, waiting: 2 });
    await expect(target.run('echo', 1)).rejects.toThrow(QueueFullError);
    const rest = target.run('echo', 1, { admitted: true });
    await Promise.all(jobs);
    await rest;
    expect(order).toEqual([30, 2, 1]);
    expect(target.stats).toMatchObject({ busy: 0, waiting: 0, completed: 4, failed: 0 });
  });

  test('two workers run side by side; a job can be pinned; all can be reached', async () => {
    const target = pool({ workers: 2, workerData: { seed: 7 } });
    await target.ready();
    const arrived = sharedNumber();
    await Promise.all([target.run('meet', arrived), target.run('meet', arrived)]);
    const pinned = await Promise.all([1, 1, 0].map((worker) => target.run('where', null, { worker })));
    const at = (workerIndex: number) => ({ workerIndex, workerData: { seed: 7 } });
    expect(pinned).toEqual([at(1), at(1), at(0)]);
    expect(await target.runOnAll('where', null)).toEqual([at(0), at(1)]);
    await expect(target.run('where', null, { worker: 2 })).rejects.toThrow(RangeError);
  });

  test('an error keeps name, message, code, details, stack and cause', async () => {
    const error = await pool()
      .run('fail', null)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(JobError);
    expect(error).toMatchObject({
      name: 'ShapeError',
      message: 'image 2 is too small',
      code: 'SHAPE_MISMATCH',
      details: { expected: [3, 42, 42], places: new Map([['image', 2]]) },
      cause: { name: 'TypeError', message: '42 wanted' },
    });
    expect((error as JobError).stack).toContain('fixtures/jobs.ts');
  });

  test('an EngineError of the worker arrives with its code', async () => {
    const failure = pool().run('compile', new Uint8Array([1, 2, 3]));
    await expect(failure).rejects.toMatchObject({ name: 'EngineError', code: 'COMPILE_FAILED' });
  });

  test('wrong engine options fail the start, and the reason is told', async () => {
    const target = pool({ engine: { provider: 'cpu', threads: 0, cacheSize: 2 } });
    await expect(target.run('echo', 1)).rejects.toThrow('threads must be at least 1');
  });

  test('whatever is thrown, unknown jobs and uncloneable values fail only their own job', async () => {
    const target = pool();
    await expect(target.run('failOddly', 'plain text')).rejects.toThrow('plain text');
    await expect(target.run('failOddly', { odd: 1n })).rejects.toThrow('a job threw { odd: 1n }');
    await expect(target.run('nothing', null)).rejects.toThrow('no job nothing');
    await expect(target.run('toString', null)).rejects.toThrow('no job toString');
    await expect(target.run('uncloneable', null)).rejects.toMatchObject({ name: 'DataCloneError' });
    await expect(target.run('echo', () => 1)).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(await target.run('echo', 'still alive')).toBe('still alive');
    expect(target.stats).toMatchObject({ completed: 1, failed: 6, crashes: 0 });
  });

  test('a crashed worker rejects its job and is replaced', async () => {
    const target = pool({ workerData: 'kept' });
    const crashed = target.run('crash', null);
    const next = target.run('where', null);
    await expect(crashed).rejects.toThrow(WorkerCrashError);
    await expect(crashed).rejects.toThrow('outside of the job');
    expect(await next).toEqual({ workerIndex: 0, workerData: 'kept' });
    await expect(target.run('exit', null)).rejects.toThrow('exit code 3');
    expect(await target.run('echo', 1)).toBe(1);
    expect(target.stats).toMatchObject({ crashes: 2, failed: 2, completed: 2, alive: 1 });
  });

  test('a job module that cannot load fails each job, without endless restarts', async () => {
    const target = pool({ jobs: new URL('./fixtures/broken-jobs.ts', import.meta.url) });
    await expect(target.ready()).rejects.toThrow('this module never loads');
    const jobs = [target.run('echo', 1), target.run('echo', 2)];
    for (const job of await Promise.allSettled(jobs)) {
      expect(job).toMatchObject({ status: 'rejected', reason: { code: 'WORKER_CRASHED' } });
    }
    expect(target.stats).toMatchObject({ crashes: 3, alive: 0, sessions: 0 });
  });

  test('an aborted job leaves the queue', async () => {
    const target = pool();
    const controller = new AbortController();
    const running = target.run('sleep', 100);
    const waiting = target.run('echo', 1, { signal: controller.signal });
    expect(target.stats.waiting).toBe(1);
    controller.abort(new Error('client went away'));
    expect(target.stats.waiting).toBe(0);
    await expect(waiting).rejects.toThrow('client went away');
    expect(await running).toBe(100);
    await expect(target.run('echo', 1, { signal: controller.signal })).rejects.toThrow('client went away');
    expect(target.stats).toMatchObject({ completed: 1, failed: 0 });
  });

  test('aborting a running job frees its caller; the worker goes on with the next one afterwards', async () => {
    const target = pool();
    await target.ready();
    const controller = new AbortController();
    const gate = sharedNumber();
    const running = target.run('block', gate, { signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(target.stats.busy).toBe(1); // the gate is closed still
    const next = target.run('echo', 2);
    open(gate);
    expect(await next).toBe(2);
  });

  test('an aborted job stops before its next graph', async () => {
    const target = pool();
    const controller = new AbortController();
    const running = target.run('repeat', Float32Array.of(1), {
      signal: controller.signal,
      onProgress: (run) => run === 3 && controller.abort(new Error('client went away')),
    });
    await expect(running).rejects.toThrow('client went away');
    // it would run for a minute more
    expect(await target.run('scale', Float32Array.of(2))).toEqual(Float32Array.of(4));
    expect(target.stats).toMatchObject({ completed: 1, failed: 0, stopped: 1, replaced: 0 });
  });

  test('a worker whose job does not stop in time is replaced, one at a time, and ends with its job', async () => {
    const target = pool({ stopMs: 20 });
    await target.ready();
    const gates = [sharedNumber(), sharedNumber()];
    const giveUp = async (gate: Int32Array) => {
      const controller = new AbortController();
      const running = target.run('block', gate, {
        signal: controller.signal,
        onStarted: () => setTimeout(() => controller.abort(), 20),
      });
      await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    };
    await giveUp(gates[0]!);
    expect(await target.run('echo', 'another worker')).toBe('another worker');
    expect(target.stats).toMatchObject({ workers: 1, alive: 1, stopped: 1, replaced: 1, crashes: 0 });
    await giveUp(gates[1]!);
    const waiting = target.run('echo', 'the same worker');
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(target.stats).toMatchObject({ busy: 1, waiting: 1, replaced: 1 });
    gates.forEach(open);
    expect(await waiting).toBe('the same worker');
    await target.close(); // which waits for the first one's end
  });

  test('urgent jobs have a worker of their own, and go before others where they have none', async () => {
    const target = pool({ urgentWorkers: 1, queueLimit: 1 });
    await target.ready();
    expect(target.stats.workers).toBe(2);
    const gate = sharedNumber();
    const long = target.run('block', gate);
    const waiting = target.run('where', null);
    await expect(target.run('echo', 1)).rejects.toThrow(QueueFullError);
    expect(await target.run('where', null, { urgent: true })).toMatchObject({ workerIndex: 1 });
    expect(target.stats).toMatchObject({ busy: 1, waiting: 1 });
    open(gate);
    expect(await waiting).toMatchObject({ workerIndex: 0 });
    await long;
    const alone = pool();
    const order: string[] = [];
    const noted = async (name: string, urgent: boolean) => {
      await alone.run('echo', name, { urgent });
      order.push(name);
    };
    await Promise.all([noted('begun', false), noted('other', false), noted('urgent', true)]);
    expect(order).toEqual(['begun', 'urgent', 'other']);
    expect(await target.runOnAll('where', null)).toEqual([expect.objectContaining({ workerIndex: 0 })]);
    await expect(target.run('where', null, { worker: 1 })).rejects.toThrow(RangeError);
  });

  test.runIf(platform() === 'linux')(
    'threads of other jobs yield to those of urgent ones, and to nobody where there are none',
    async () => {
      const own = getPriority();
      const target = pool({ urgentWorkers: 1 });
      expect(await target.run('niceness', null, { urgent: true })).toBe(own);
      expect(await target.run('niceness', null)).toBe(10);
      expect(await pool().run('niceness', null)).toBe(own);
      expect(getPriority()).toBe(own);
    },
  );

  test('clients have equal shares of a worker, in units of cost', async () => {
    const target = pool({ queueLimit: 100 });
    const order: string[] = [];
    const noted = async (client: string, cost: number) => {
      await target.run('echo', client, { client, cost });
      order.push(client);
    };
    const jobs = Array.from({ length: 8 }, () => noted('many', 1));
    jobs.push(noted('few', 1), noted('few', 1), noted('heavy', 3), noted('heavy', 3));
    await Promise.all(jobs);
    // the first was begun before there were others
    expect(order.slice(0, 6).filter((client) => client === 'many')).toHaveLength(3);
    expect(order.slice(0, 6).filter((client) => client === 'few')).toHaveLength(2);
    expect(order.slice(0, 6).filter((client) => client === 'heavy')).toHaveLength(1);
  });

  test('progress reaches the caller in order, before the result', async () => {
    const seen: unknown[] = [];
    await pool().run('steps', 4, { onProgress: (value) => seen.push(value) });
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  test('close drains running jobs and refuses the others', async () => {
    const target = pool();
    const running = target.run('sleep', 100);
    const waiting = target.run('echo', 1);
    const refused = expect(waiting).rejects.toThrow(PoolClosedError);
    const closed = target.close();
    await expect(target.run('echo', 2)).rejects.toThrow(PoolClosedError);
    await refused;
    expect(await running).toBe(100);
    await closed;
    await target.close();
    expect(target.stats).toMatchObject({ busy: 0, completed: 1, crashes: 0 });
  });
});
