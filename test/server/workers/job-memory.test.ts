import { describe, expect, test } from 'vitest';
import { LineFullError } from '../../../server/concurrency/turns.ts';
import type { AdaptationReport, Watcher } from '../../../server/ports.ts';
import { JobMemory } from '../../../server/workers/job-memory.ts';

/** Someone who waits, and what is told. */
function watcher(client = 'a', signal = new AbortController().signal) {
  const told: AdaptationReport['kind'][] = [];
  const own: Watcher = { client, signal, report: ({ kind }) => told.push(kind) };
  return { own, told };
}

/** Whether a promise has settled when everything else has had its turn. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  const later = new Promise((resolve) => setImmediate(() => resolve(open)));
  return (await Promise.race([promise, later])) === open;
}

describe('the memory of adaptations', () => {
  test('is there at once for small ones, which the queue of the workers may still refuse', async () => {
    const memory = new JobMemory(3200, 0);
    const { own, told } = watcher();
    const room = await memory.take(own, 100);
    expect(room.admitted).toBe(false);
    expect(told).toEqual([]);
    for (let i = 0; i < 100; i++) await memory.take(own, 100);
  });

  test('has large ones wait until another gives it back; they are told that they were taken on', async () => {
    const memory = new JobMemory(3200, 10);
    const first = await memory.take(watcher().own, 2000);
    const { own, told } = watcher('b');
    const waiting = memory.take(own, 2000);
    expect(await isOpen(waiting)).toBe(true);
    expect(told).toEqual(['accepted']);
    const beside = await memory.take(watcher('c').own, 100);
    expect(beside.admitted).toBe(false);
    first.end();
    first.end(); // no more is there for it
    const room = await waiting;
    expect(room.admitted).toBe(true);
    room.watcher.report({ kind: 'accepted' });
    room.watcher.report({ kind: 'started' });
    expect(told).toEqual(['accepted', 'started']);
    const third = memory.take(watcher().own, 2000);
    expect(await isOpen(third)).toBe(true);
    room.end();
    (await third).end();
  });

  test('refuses where too many wait, before it tells anything, and lets those go who give up', async () => {
    const memory = new JobMemory(3200, 1);
    const first = await memory.take(watcher().own, 3000);
    const gone = new AbortController();
    const waiting = memory.take(watcher('b', gone.signal).own, 3000);
    const late = watcher('c');
    await expect(memory.take(late.own, 3000)).rejects.toThrow(LineFullError);
    expect(late.told).toEqual([]);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    const next = memory.take(late.own, 3000);
    first.end();
    (await next).end();
  });
});
