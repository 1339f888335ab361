import process from 'node:process';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { heldBytes, MemoryWatch } from '../../../server/workers/memory-watch.ts';
import { harness } from '../support/harness.ts';
import { ownService } from '../support/own-service.ts';
import { smallDefault } from '../support/small-default.ts';
import { createFakeAdapter, everyKind, unlimited } from '../support/adapter.ts';
import { createPoolAdapter } from '../../../server/workers/pool-adapter.ts';
import type { ServerPool } from '../../../server/workers/pool-adapter.ts';
import { support } from '../support/regression.ts';

const logger = pino({ level: 'silent' });
const mebibyte = 1024 ** 2;

/** A watch over memory that the test sets; with 256 MiB for heaps the limit is 500 above what it begins with. */
function ownWatch(bytes = 244 * mebibyte) {
  const memory = { held: 1000 * mebibyte };
  const release = vi.fn();
  const watch = new MemoryWatch({ bytes, release, held: () => memory.held }, logger);
  const look = (times = 1) => {
    for (let i = 0; i < times; i++) watch.look();
  };
  return { watch, memory, release, look };
}

test('above the limit kept graphs are released, and no adaptation is begun where that does not help', () => {
  const { watch, memory, release, look } = ownWatch();
  watch.begin();
  watch.end(); // the test looks by itself
  expect(watch.stats).toEqual({ held: 1000 * mebibyte, limit: 1500 * mebibyte, releases: 0 });
  memory.held = 1500 * mebibyte;
  look(10);
  expect(release).not.toHaveBeenCalled();
  memory.held = 1501 * mebibyte;
  look();
  expect(release).toHaveBeenCalledTimes(1);
  expect(watch.shortage()).toBeUndefined(); // it may help
  look(3);
  expect(release).toHaveBeenCalledTimes(1);
  expect(watch.shortage()).toBe(
    'The process has 1,501 MiB of memory, and 1,500 are its limit; no adaptation is begun until it has less.',
  );
  look(40); // what predictions have compiled since then goes, too
  expect(release).toHaveBeenCalledTimes(2);
  memory.held = 1400 * mebibyte;
  look();
  expect(watch.shortage()).toBeUndefined();
  expect(watch.stats.releases).toBe(2);
});

test('what falls in time refuses nobody, and the next time is a new one', () => {
  const { watch, memory, release, look } = ownWatch();
  watch.begin();
  watch.end();
  for (const times of [1, 2]) {
    memory.held = 2000 * mebibyte;
    look(2);
    memory.held = 1000 * mebibyte;
    look();
    expect(watch.shortage()).toBeUndefined();
    expect(release).toHaveBeenCalledTimes(times);
  }
});

test('looks once a second from its beginning to its end', () => {
  vi.useFakeTimers();
  try {
    const { watch, memory, release } = ownWatch();
    memory.held = 100 * mebibyte;
    watch.begin();
    memory.held = 5000 * mebibyte;
    vi.advanceTimersByTime(1000);
    expect(release).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(4000);
    expect(watch.shortage()).toBeDefined();
    watch.end();
    memory.held = 0;
    vi.advanceTimersByTime(60_000);
    expect(watch.shortage()).toBeDefined();
  } finally {
    vi.useRealTimers();
  }
});

test('what is held is memory without the buffers of bodies', () => {
  const before = heldBytes();
  const body = Buffer.alloc(300 * mebibyte, 1);
  expect(heldBytes() - before).toBeLessThan(150 * mebibyte);
  expect(body.length).toBeGreaterThan(0);
});

test('a client is told the reason, and predictions go on', async () => {
  const told: { reason?: string } = {};
  const fake = createFakeAdapter();
  const toolchain = { exporter: 1, onnxruntime: '1.0.0', provider: 'cpu' };
  const never: ServerPool = { run: () => Promise.reject(new Error('not asked for')) };
  const refusing = createPoolAdapter(never, everyKind, toolchain, {
    ...unlimited,
    shortage: () => told.reason,
  });
  const adapter = {
    ...fake,
    adaptRegression: ((request, watcher) =>
      told.reason === undefined
        ? fake.adaptRegression(request, watcher)
        : refusing.adaptRegression(request, watcher)) as typeof fake.adaptRegression,
  };
  const { postJson } = await harness({ adapter });
  const made = await postJson('/v1/tasks', { support }).expect(201);
  const { id } = made.body as { id: string };
  told.reason = 'There is too much.';
  const refused = await postJson('/v1/tasks', { support: support.slice(1) }).expect(503);
  expect(refused.body).toMatchObject({ code: 'overloaded', detail: told.reason });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(10);
  await postJson(`/v1/tasks/${id}/predictions`, { x: [0] }).expect(200);
});

test(
  'the whole service gives up its graphs and refuses adaptations while the process has too much',
  { timeout: 240_000, tags: ['whole'] },
  async () => {
    const service = await ownService(await smallDefault());
    onTestFinished(service.stop);
    const status = async (path: string, body?: unknown) => {
      const json = { 'Content-Type': 'application/json' };
      const post = { method: 'POST', headers: json, body: JSON.stringify(body) };
      const answer = await fetch(service.url + path, body === undefined ? {} : post);
      return { status: answer.status, text: await answer.text() };
    };
    let y = 0;
    const posted = () => status('/v1/tasks', { support: [...support, [0, y++]] }); // another task each time
    const metric = async (name: string) =>
      Number(new RegExp(`^${name} (.*)$`, 'm').exec((await status('/metrics')).text)?.[1]);
    const patience = { timeout: 60_000, interval: 100 };
    await vi.waitFor(async () => expect((await status('/readyz')).status).toBe(200), patience);
    expect(await metric('mnas_memory_limit_bytes')).toBeGreaterThan(2048 * mebibyte);
    expect(await metric('mnas_sessions')).toBeGreaterThan(0);
    const usage = vi
      .spyOn(process, 'memoryUsage')
      .mockReturnValue({ ...process.memoryUsage(), rss: 100_000 * mebibyte });
    try {
      await vi.waitFor(async () => expect(await metric('mnas_sessions')).toBe(0), patience);
      await vi.waitFor(async () => expect((await posted()).status).toBe(503), patience);
      expect(await metric('mnas_memory_releases_total')).toBe(1);
    } finally {
      usage.mockRestore();
    }
    await vi.waitFor(
      async () => expect((await status('/v1/tasks', { support: support.slice(2) })).status).toBe(201),
      patience,
    );
  },
);
