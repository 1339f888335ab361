import { getEventListeners, once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { AppLimits } from '../../../server/app.ts';
import { createPoolAdapter } from '../../../server/workers/pool-adapter.ts';
import type { ServerPool } from '../../../server/workers/pool-adapter.ts';
import { ClientGoneError } from '../../../server/http/client.ts';
import type { Problem } from '../../../server/errors/errors.ts';
import { SharedRuns } from '../../../server/concurrency/shared-runs.ts';
import { createFakePool, everyKind, imageSide, unlimited, untilAborted } from '../support/adapter.ts';
import { head, raw } from '../support/by-hand.ts';
import { closedGate } from '../support/gate.ts';
import { harness, heldDecoding, listen } from '../support/harness.ts';
import { multipartType, multipart } from '../support/multipart.ts';
import { problemsOf } from '../support/problem.ts';
import { support, taskOf } from '../support/tasks.ts';

const { expectProblem, expectRawProblem } = problemsOf('concurrency/cancellation.test.ts');

/** Posts on a socket of its own, to hang up by `destroy`. */
async function postByHand(port: number, path: string, body: Buffer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${multipartType}\r\n`);
  socket.write(`Content-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
  return socket;
}

/** Until something holds, however long that takes. */
const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 60_000, interval: 5 });

/** Time limits that are over only when a test says so. */
function stopTheClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
}

/** The service with adaptations that end by their signal only. */
async function stuck(limits: Partial<AppLimits> = {}) {
  const join = vi.spyOn(SharedRuns.prototype, 'join');
  onTestFinished(() => join.mockRestore());
  const running = await harness({ limits });
  const { port } = await listen(running.app);
  const signals: AbortSignal[] = [];
  running.adapter.beforeAdapt = async (signal) => {
    signals.push(signal);
    return untilAborted(signal);
  };
  const begun = (count: number) => until(() => expect(signals.length).toBeGreaterThanOrEqual(count));
  /** resolves when this many posts wait for an adaptation */
  const joined = (count: number) => until(() => expect(join).toHaveBeenCalledTimes(count));
  return { ...running, port, signals, begun, joined };
}

describe('work for clients that have gone', () => {
  test('a request that is not answered in time gets 503, and its adaptation ends', async () => {
    const { adapter, post, signals, begun, folder } = await stuck({ requestSeconds: 1000 });
    stopTheClock();
    const answering = post('/v1/tasks', support).then((answer) => answer);
    await begun(1);
    vi.advanceTimersByTime(1_000_000);
    const answer = await answering;
    expectProblem(answer, 'deadline-exceeded');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
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
    const { decodeImage, begun, release } = heldDecoding();
    const { post } = await harness({
      limits: { requestSeconds: 1000, uploads: 1, waitingUploads: 0 },
      replace: { decodeImage },
    });
    stopTheClock();
    const answering = post('/v1/tasks', support).then((answer) => answer);
    await begun(1);
    // a decode begins before the whole body is there, and the connection of a body that nobody reads on ends by the clock
    const moving = setInterval(() => vi.advanceTimersByTime(1_000_000), 5);
    expectProblem(await answering.finally(() => clearInterval(moving)), 'deadline-exceeded');
    vi.useRealTimers();
    const refused = await post('/v1/tasks', support);
    expect((refused.body as Problem).code).toBe('too-much-at-once');
    release();
    await until(async () => expect((await post('/v1/tasks', support)).status).toBe(201));
  });

  test('an adaptation ends with its client, leaves nothing, and an equal post later makes the task', async () => {
    const { adapter, folder, log, port, post, signals, begun } = await stuck();
    const socket = await postByHand(port, '/v1/tasks', multipart(support));
    await begun(1);
    expect(signals[0]!.aborted).toBe(false);
    socket.destroy();
    await until(() => expect(signals[0]!.aborted).toBe(true));
    expect(signals[0]!.reason).toBeInstanceOf(ClientGoneError);
    expect(await readdir(join(folder, 'tasks'))).toEqual([]);
    adapter.beforeAdapt = () => Promise.resolve();
    expect((await post('/v1/tasks', support)).status).toBe(201);
    expect(log.filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
  });

  test('equal posts share an adaptation that ends with the last of them', async () => {
    const { adapter, log, port, post, signals, begun, joined } = await stuck();
    const gate = closedGate();
    adapter.beforeAdapt = async (signal) => {
      signals.push(signal);
      await gate.pass();
    };
    const first = await postByHand(port, '/v1/tasks', multipart(support));
    await begun(1);
    const second = post('/v1/tasks', support).then(({ status }) => status);
    await joined(2); // the second waits for the first one's adaptation by now
    first.destroy();
    await until(() => expect(log.some(({ disconnected }) => disconnected === true)).toBe(true));
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    gate.open();
    expect(await second).toBe(200);
  });

  test('a prediction ends with its client', async () => {
    const { adapter, app, post } = await harness();
    const { port } = await listen(app);
    const { id } = taskOf(await post('/v1/tasks', support));
    const asked: AbortSignal[] = [];
    adapter.predictImages = async (_request, { signal }) => {
      asked.push(signal);
      return untilAborted(signal);
    };
    const body = multipart([{ ...support[0]!, name: 'images' }]);
    const socket = await postByHand(port, `/v1/tasks/${id}/predictions`, body);
    await until(() => expect(asked).toHaveLength(1));
    socket.destroy();
    await until(() => expect(asked[0]!.aborted).toBe(true));
  });

  test('nothing listens to the signal of a request that is over, which would keep its body in memory', async () => {
    const { adapter, post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    const predict = adapter.predictImages.bind(adapter);
    const given: AbortSignal[] = [];
    adapter.predictImages = (request, asker) => {
      given.push(asker.signal);
      return predict(request, asker);
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
    const toolchain = { exporter: 1, onnxruntime: '1.0.0', provider: 'cpu' };
    const adapter = createPoolAdapter(pool, everyKind, toolchain, unlimited);
    const { signal } = new AbortController();
    const asker = { client: 'one', signal };
    const watcher = { ...asker, report: () => undefined };
    const pixels = new Uint8Array(3 * imageSide * imageSide);
    const images = ['a', 'b'].map((label) => ({ label, pixels }));
    const { model } = await adapter.adaptImages({ checkpoint: 'photos', steps: 1, support: images }, watcher);
    await adapter.predictImages(
      { key: 'images', model, multiplyAdds: 1, imageSize: imageSide, images: [pixels] },
      asker,
    );
    const points = [
      [0, 0],
      [1, 1],
    ] as const;
    const line = await adapter.adaptRegression({ checkpoint: 'toy', steps: 1, support: points }, watcher);
    await adapter.predictRegression(
      { key: 'line', model: line.model, multiplyAdds: 1, x: Float32Array.of(1) },
      asker,
    );
    expect(given).toEqual([signal, signal, signal, signal]);
  });
});

describe('SharedRuns', () => {
  test('whoever comes after an abort waits for the aborted run to end, then starts another', async () => {
    const runs = new SharedRuns<number>();
    let running = 0;
    let count = 0;
    const gate = closedGate();
    const start = async () => {
      running++;
      expect(running).toBe(1); // never two of a key
      await gate.pass(); // deaf to its signal, as a write is
      running--;
      return ++count;
    };
    const gone = new AbortController();
    const first = await runs.join('a', gone.signal, start);
    gone.abort(new Error('gone'));
    await expect(first.result).rejects.toThrow('gone');
    const { signal } = new AbortController();
    const later = Promise.all([runs.join('a', signal, start), runs.join('a', signal, start)]);
    expect(running).toBe(1);
    gate.open();
    const [one, other] = await later;
    expect([one.started, other.started]).toEqual([true, false]);
    expect(await Promise.all([one.result, other.result])).toEqual([2, 2]);
    await expect(runs.join('a', gone.signal, start)).rejects.toThrow('gone');
    expect(count).toBe(2);
  });
});
