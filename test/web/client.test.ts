import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Reply } from '../../web/device/messages.ts';

/** What was posted to the worker, and the way back. */
class FakeWorker extends EventTarget {
  static last: FakeWorker | undefined;
  readonly posted: unknown[] = [];
  constructor() {
    super();
    FakeWorker.last = this;
  }
  postMessage(message: unknown): void {
    this.posted.push(message);
  }
  reply(reply: Reply): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: reply }));
  }
}

beforeEach(() => {
  FakeWorker.last = undefined;
  vi.resetModules();
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('ASSETS', { worker: '/worker.js', onnxruntime: '/ort/' });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

const request = {
  checkpoint: { url: '/checkpoint', bytes: 1 },
  trunk: undefined,
  headers: {},
  steps: 1,
  support: [],
};

describe('ask', () => {
  it('asks nothing when its signal has aborted already', async () => {
    const { ask } = await import('../../web/device/client.ts');
    await expect(ask('adapt', request, { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow(
      'early',
    );
    expect(FakeWorker.last).toBeUndefined();
  });

  it('ends one call by its signal and leaves the others', async () => {
    const { ask } = await import('../../web/device/client.ts');
    const abort = new AbortController();
    const ended = ask('adapt', request, { signal: abort.signal });
    const other = ask('estimate', request);
    abort.abort(new Error('cancelled'));
    await expect(ended).rejects.toThrow('cancelled');
    const worker = FakeWorker.last!;
    expect(worker.posted.at(-1)).toEqual({ cancel: 0 });
    worker.reply({ id: 0, kind: 'error', message: 'late' });
    worker.reply({ id: 1, kind: 'answer', answer: undefined });
    await expect(other).resolves.toBeUndefined();
    expect(FakeWorker.last).toBe(worker);
  });
});
