import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LineFullError, Turns } from '../../../server/concurrency/turns.ts';

/** Clients of turns, and in which order they have come. */
function lined(turns: Turns) {
  const { signal } = new AbortController();
  const order: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = async (name: string, cost = 1, own = signal) => {
    const end = await turns.take(name.charAt(0), cost, own);
    order.push(name);
    ends.set(name, end);
  };
  const end = async (name: string) => {
    ends.get(name)!();
    await setImmediate();
  };
  return { order, ask, end, signal };
}

describe('Turns', () => {
  test('clients take turns, each with an equal share of the cost', async () => {
    const { order, ask, end } = lined(new Turns({ capacity: 4 }));
    for (const name of ['a1', 'a2', 'a3', 'a4']) void ask(name, 4);
    for (const name of ['b1', 'b2', 'b3', 'b4', 'b5', 'b6']) void ask(name, 1);
    await setImmediate();
    expect(order).toEqual(['a1']);
    await end('a1');
    expect(order.slice(1)).toEqual(['b1', 'b2', 'b3', 'b4']);
    await end('b1');
    // the next one needs everything, and nothing passes it
    expect(order.slice(5)).toEqual([]);
    for (const name of ['b2', 'b3', 'b4']) await end(name);
    expect(order.slice(5)).toEqual(['a2']);
    await end('a2');
    expect(order.slice(6)).toEqual(['b5', 'b6']);
  });

  test('a client has its share at most, and more than all counts as all', async () => {
    const { order, ask, end } = lined(new Turns({ capacity: 4, share: 2, parallel: 3 }));
    for (const name of ['a1', 'a2', 'a3']) void ask(name);
    void ask('b1', 100);
    void ask('c1');
    await setImmediate();
    expect(order).toEqual(['a1', 'a2', 'b1']); // of the size of a share
    await end('b1');
    await end('b1'); // once counts
    expect(order.slice(3)).toEqual(['c1']);
    await end('a1');
    expect(order.slice(4)).toEqual(['a3']);
  });

  test('so many may wait, of one client half as many', async () => {
    const turns = new Turns({ capacity: 2, share: 1, waiting: 2 });
    const { order, ask, end } = lined(turns);
    void ask('a1');
    void ask('a2');
    await expect(ask('a3')).rejects.toMatchObject({ whose: 'own' });
    void ask('b1');
    void ask('b2');
    await expect(ask('c1')).rejects.toThrow(LineFullError);
    await expect(ask('c1')).rejects.toMatchObject({ whose: 'all' });
    expect([turns.waiting(), turns.waiting('a')]).toEqual([2, 1]);
    await end('a1');
    expect(order).toEqual(['a1', 'b1', 'a2']);
  });

  test('who gives up leaves the line, and nothing behind', async () => {
    const turns = new Turns({ capacity: 4 });
    const { order, ask, end, signal } = lined(turns);
    const gone = new AbortController();
    void ask('a1', 3);
    const waiting = ask('b1', 4, gone.signal);
    void ask('c1', 1);
    await setImmediate();
    expect(order).toEqual(['a1']);
    gone.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await expect(ask('b2', 1, gone.signal)).rejects.toThrow('gone');
    await setImmediate();
    expect(order).toEqual(['a1', 'c1']);
    await end('a1');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
