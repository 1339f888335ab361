import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { inTime, unlessAborted, withDeadline, within } from '../../../server/concurrency/in-time.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new Promise<never>(() => undefined);
const late = () => new Error('late');

describe('work in time', () => {
  test('gives its result and leaves no timer', async () => {
    expect(await inTime(5, Promise.resolve(1), late)).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is given up at its end, not before', async () => {
    let failed: unknown;
    const ended = inTime(5, never, late).catch((error: unknown) => (failed = error));
    await vi.advanceTimersByTimeAsync(4999);
    expect(failed).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    await ended;
    expect(failed).toEqual(late());
  });
});

describe('what a signal ends', () => {
  test('ends with its reason, also where it was aborted before', async () => {
    const controller = new AbortController();
    const waiting = unlessAborted(never, controller.signal);
    controller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await expect(unlessAborted(never, controller.signal)).rejects.toThrow('gone');
  });

  test('leaves no listener at the signal', async () => {
    const { signal } = new AbortController();
    await unlessAborted(Promise.resolve(), signal);
    await expect(unlessAborted(Promise.reject(late()), signal)).rejects.toThrow('late');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('a wait for a while', () => {
  test('gives nothing when the time or its client is over, and what fails by itself', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    expect(await within(5, Promise.resolve(1), signal)).toBe(1);
    await expect(within(5, Promise.reject(late()), signal)).rejects.toThrow('late');
    const slow = within(5, never, signal);
    await vi.advanceTimersByTimeAsync(5000);
    await expect(slow).resolves.toBeUndefined();
    const left = within(5, never, signal);
    controller.abort(new Error('gone'));
    await expect(left).resolves.toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('a deadline aborts the work by its error, a client by its own reason; work that ends has neither', async () => {
  const client = new AbortController();
  const work = (signal: AbortSignal) => unlessAborted(never, signal);
  const slow = expect(withDeadline(5, client.signal, late, work)).rejects.toThrow('late');
  await vi.advanceTimersByTimeAsync(5000);
  await slow;
  expect(await withDeadline(5, client.signal, late, () => Promise.resolve('done'))).toBe('done');
  expect(vi.getTimerCount()).toBe(0);
  const left = expect(withDeadline(5, client.signal, late, work)).rejects.toThrow('gone');
  client.abort(new Error('gone'));
  await left;
});
