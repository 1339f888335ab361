import { describe, expect, test } from 'vitest';
import { FairQueue } from '../../engine/fair-queue.ts';

/** Everything that waits, in the order in which it comes. */
function drained(queue: FairQueue<string>): string {
  const all: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) all.push(item);
  return all.join(' ');
}

describe('FairQueue', () => {
  test('one client is served in its order, several by turns', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'a2', 'a3', 'a4']) queue.add('a', 1, item);
    for (const item of ['b1', 'b2']) queue.add('b', 1, item);
    expect([queue.size(), queue.size('a'), queue.size('c')]).toEqual([6, 4, 0]);
    expect(drained(queue)).toBe('a1 b1 a2 b2 a3 a4');
    expect(queue.size()).toBe(0);
  });

  test('turns are counted by cost', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'a2']) queue.add('a', 4, item);
    for (const item of ['b1', 'b2', 'b3', 'b4', 'b5']) queue.add('b', 1, item);
    expect(drained(queue)).toBe('a1 b1 b2 b3 b4 a2 b5');
  });

  test('a client that was away has saved nothing up, and one that was given much is not first again', () => {
    const queue = new FairQueue<string>();
    queue.add('late', 1, 'l0');
    queue.take();
    for (let i = 0; i < 10; i++) queue.add('a', 1, `a${i}`);
    for (let i = 0; i < 6; i++) queue.take();
    for (let i = 1; i <= 3; i++) queue.add('late', 1, `l${i}`);
    expect(drained(queue)).toBe('l1 a6 l2 a7 l3 a8 a9');
    queue.add('a', 10, 'heavy');
    queue.add('b', 1, 'b1');
    queue.add('b', 1, 'b2');
    expect([queue.take(), queue.take()].sort()).toEqual(['b1', 'heavy']);
    queue.add('a', 10, 'heavy again');
    expect(drained(queue)).toBe('b2 heavy again');
  });

  test('takes the first that fits, and gives back what is removed', () => {
    const queue = new FairQueue<string>();
    for (const item of ['a1', 'a2']) queue.add('a', 1, item);
    queue.add('b', 1, 'b1');
    expect(queue.take((item) => item === 'a2')).toBe('a2');
    expect(queue.take((item) => item === 'c1')).toBeUndefined();
    queue.remove('a1');
    expect(queue.clear()).toEqual(['b1']);
    expect(queue.take()).toBeUndefined();
  });
});
