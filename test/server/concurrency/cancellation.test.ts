import { getEventListeners, once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { decodeImage as decode } from '../../../images/decode.ts';
import type { AppLimits } from '../../../server/app.ts';
import { createPoolAdapter, type ServerPool } from '../../../server/workers/pool-adapter.ts';
import { ClientGoneError } from '../../../server/http/client.ts';
import type { Problem } from '../../../server/errors/errors.ts';
import type { ImageDecoder } from '../../../server/ports.ts';
import { SharedRuns } from '../../../server/concurrency/shared-runs.ts';
import { createFakePool, SIZE, untilAborted } from '../support/adapter.ts';
import { head, raw } from '../support/by-hand.ts';
import { harness, listen } from '../support/harness.ts';
import { CONTENT_TYPE, multipart } from '../support/multipart.ts';
import { problemsOf } from '../support/problem.ts';
import { support, taskOf } from '../support/tasks.ts';

const { expectProblem, expectRawProblem } = problemsOf('concurrency/cancellation.test.ts');

/** Posts on a socket of its own, to hang up by `destroy`. */
async function postByHand(port: number, path: string, body: Buffer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${CONTENT_TYPE}\r\n`);
  socket.write(`Content-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
  return socket;
}

/** The service with adaptations that end by their signal only. */
async function stuck(limits: Partial<AppLimits> = {}) {
  let decoded = 0;
  const decodeImage: ImageDecoder = async (bytes, size) => {
    const pixels = await decode(bytes, size);
    decoded++;
    return pixels;
  };
  const running = await harness({ limits, replace: { decodeImage } });
  const { port } = await listen(running.app);
  const signals: AbortSignal[] = [];
  running.adapter.beforeAdapt = async (signal) => {
    signals.push(signal);
    return untilAborted(signal);
  };
  const begun = async (count: number) => {
    while (signals.length < count) await setTimeout(5);
  };
  /** resolves when this many posts of `support` have all their images decoded, and are waiting for an adaptation */
  const joined = async (count: number) => {
    while (decoded < count * support.length) await setTimeout(5);
    await setTimeout(20);
  };
  return { ...running, port, signals, begun, joined };
}

describe('work for clients that have gone', () => {
  test('a request that is not answered in time gets 503, and its adaptation ends', async () => {
    const { adapter, post, signals, folder } = await stuck({ requestSeconds: 0.3 });
    const answer = await post('/v1/tasks', support);
    expectProblem(answer, 'deadline-exceeded');
    expect(answer.headers['retry-after']).toBe('2');
    expect(signals[0]!.aborted).toBe(true);
    adapter.beforeAdapt = () => Promise.resolve();
    expect(await readdir(join(folder, 'tasks'))).toEqual([]);
    expect((await post('/v1/tasks', support)).status).toBe(201);
  });

  test('the deadline covers the arrival of the body', async () => {
    const limits = { requestSeconds: 0.3, uploadSeconds: 30 };
    const chunks = [head('Content-Length: 100000'), multipart(support).subarray(0, 200)];
    const [text] = await raw({ limits }, chunks, 5000);
    expectRawProblem(text, 'deadline-exceeded');
  });

  test('the deadline covers a running decode, which keeps its place among the uploads until it is over', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const decodeImage: ImageDecoder = async (bytes, size) => {
      await held;
      return decode(bytes, size);
    };
    const { post } = await harness({
      limits: { requestSeconds: 0.3, uploads: 1 },
      replace: { decodeImage },
    });
    expectProblem(await post('/v1/tasks', support), 'deadline-exceeded');
    const refused = await post('/v1/tasks', support);
    expect((refused.body as Problem).code).toBe('overloaded');
    release();
    await setTimeout(50);
    expect((await post('/v1/tasks', support)).status).toBe(201);
  });

  test('an adaptation ends with its client, leaves nothing, and an equal post later makes the task', async () => {
    const { adapter, folder, log, port, post, signals, begun } = await stuck();
    const socket = await postByHand(port, '/v1/tasks', multipart(support));
    await begun(1);
    expect(signals[0]!.aborted).toBe(false);
    socket.destroy();
    while (!signals[0]!.aborted) await setTimeout(5);
    expect(signals[0]!.reason).toBeInstanceOf(ClientGoneError);
    expect(await readdir(join(folder, 'tasks'))).toEqual([]);
    adapter.beforeAdapt = () => Promise.resolve();
    expect((await post('/v1/tasks', support)).status).toBe(201);
    expect(log.filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
  });

  test('equal posts share an adaptation that ends with the last of them', async () => {
    const { adapter, port, post, signals, begun, joined } = await stuck();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    adapter.beforeAdapt = async (signal) => {
      signals.push(signal);
      await held;
    };
    const first = await postByHand(port, '/v1/tasks', multipart(support));
    await begun(1);
    const second = post('/v1/tasks', support).then(({ status }) => status);
    await joined(2); // the second waits for the first one's adaptation by now
    first.destroy();
    await setTimeout(50);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    release();
    expect(await second).toBe(200);
  });

  test('a prediction ends with its client', async () => {
    const { adapter, app, post } = await harness();
    const { port } = await listen(app);
    const { id } = taskOf(await post('/v1/tasks', support));
    const asked: AbortSignal[] = [];
    adapter.predictImages = async (_request, signal) => {
      asked.push(signal);
      return untilAborted(signal);
    };
    const body = multipart([{ ...support[0]!, name: 'images' }]);
    const socket = await postByHand(port, `/v1/tasks/${id}/predictions`, body);
    while (asked.length === 0) await setTimeout(5);
    socket.destroy();
    while (!asked[0]!.aborted) await setTimeout(5);
  });

  test('nothing listens to the signal of a request that is over, which would keep its body in memory', async () => {
    const { adapter, post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    const predict = adapter.predictImages.bind(adapter);
    const given: AbortSignal[] = [];
    adapter.predictImages = (request, signal) => {
      given.push(signal);
      return predict(request, signal);
    };
    const images = [{ ...support[0]!, name: 'images' }];
    expect((await post(`/v1/tasks/${id}/predictions`, images)).status).toBe(200);
    expect(given.map((signal) => getEventListeners(signal, 'abort'))).toEqual([[]]);
  });

  test('the pool gets the signal with the job', async () => {
    const given: (AbortSignal | undefined)[] = [];
    const { run } = createFakePool();
    const pool: ServerPool = {
      run: (job, request, options) => {
        given.push(options?.signal);
        return run(job, request, options);
      },
    };
    const adapter = createPoolAdapter(pool, [], { exporter: 1, onnxruntime: '1.0.0', provider: 'cpu' });
    const { signal } = new AbortController();
    const watcher = { signal, report: () => undefined };
    const pixels = new Uint8Array(3 * SIZE * SIZE);
    const images = ['a', 'b'].map((label) => ({ label, pixels }));
    const { model } = await adapter.adaptImages({ checkpoint: 'photos', steps: 1, support: images }, watcher);
    await adapter.predictImages({ key: 'images', model, imageSize: SIZE, images: [pixels] }, signal);
    const points = [
      [0, 0],
      [1, 1],
    ] as const;
    const line = await adapter.adaptRegression({ checkpoint: 'toy', steps: 1, support: points }, watcher);
    await adapter.predictRegression({ key: 'line', model: line.model, x: Float32Array.of(1) }, signal);
    expect(given).toEqual([signal, signal, signal, signal]);
  });
});

describe('SharedRuns', () => {
  test('whoever comes after an abort waits for the aborted run to end, then starts another', async () => {
    const runs = new SharedRuns<number>();
    let running = 0;
    let count = 0;
    const start = async () => {
      running++;
      expect(running).toBe(1); // never two of a key
      await setTimeout(20); // deaf to its signal, as a write is
      running--;
      return ++count;
    };
    const gone = new AbortController();
    const first = runs.join('a', gone.signal, start);
    gone.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    const { signal } = new AbortController();
    const later = Promise.all([runs.join('a', signal, start), runs.join('a', signal, start)]);
    expect(await later).toEqual([
      { value: 2, started: true },
      { value: 2, started: false },
    ]);
    await expect(runs.join('a', gone.signal, start)).rejects.toThrow('gone');
    expect(count).toBe(2);
  });
});
