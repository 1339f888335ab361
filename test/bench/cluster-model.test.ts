import { describe, expect, it } from 'vitest';
import { expectIteration } from '../../bench/cluster/model.ts';

const costs = { task: 0.5, rest: 0.1, bytes: 1e6 };

describe('the expected time of an iteration on several machines', () => {
  it('is computing, sending and the rest', () => {
    const one = expectIteration(costs, { tasks: 16, machines: 1, threads: 1, megabits: 8 });
    expect(one).toEqual({ machines: 1, parts: 1, megabytes: 0, seconds: 8.1, speedup: 1 });
    // Θ to one other machine and one sum back, a second each
    const two = expectIteration(costs, { tasks: 16, machines: 2, threads: 1, megabits: 8 });
    expect(two).toEqual({ machines: 2, parts: 2, megabytes: 2, seconds: 6.1, speedup: 8.1 / 6.1 });
  });

  it('grows again where sending outweighs computing', () => {
    const seconds = [8, 16, 32].map(
      (machines) => expectIteration(costs, { tasks: 64, machines, threads: 1, megabits: 40 }).seconds,
    );
    expect(seconds[2]).toBeGreaterThan(seconds[1]!);
  });

  it('counts no machine that has no part', () => {
    const some = expectIteration(costs, { tasks: 4, machines: 32, threads: 1, megabits: 8 });
    expect([some.parts, some.megabytes]).toEqual([4, 6]);
  });
});
