import { describe, expect, test } from 'vitest';
import { Graph } from '../../../model/graph/graph.ts';
import { graphMemory } from '../../../model/graph/memory.ts';
import { add, broadcast, concat, exp, multiply, reshape, sum } from '../../../model/graph/operations.ts';

const bytes = 4 * 100;

describe('graphMemory', () => {
  test('a value is alive until its last reader has run', () => {
    const x = new Graph().input('x', [100]);
    const chain = exp(exp(exp(exp(x))));
    expect(graphMemory({ name: 'chain', outputs: { chain } })).toEqual({ inputs: bytes, peak: 2 * bytes });
    const first = exp(x);
    const kept = add(exp(exp(exp(first))), first);
    expect(graphMemory({ name: 'kept', outputs: { kept } }).peak).toBe(3 * bytes);
  });

  test('outputs stay; inputs are counted apart, constants not at all', () => {
    const graph = new Graph();
    const [x, y] = [graph.input('x', [100]), graph.input('y', [100])];
    const outputs = { a: exp(x), b: exp(y), c: multiply(x, y), d: add(x, 3) };
    expect(graphMemory({ name: 'all', outputs })).toEqual({ inputs: 2 * bytes, peak: 4 * bytes });
  });

  test('a reshaped value lies where it lay, and keeps it alive', () => {
    const x = new Graph().input('x', [100]);
    const square = reshape(exp(x), [10, 10]);
    const outputs = { total: add(reshape(exp(exp(square)), [100]), reshape(square, [100])) };
    expect(graphMemory({ name: 'reshaped', outputs }).peak).toBe(3 * bytes);
  });

  test('broadcasts that the runtime does by itself take nothing', () => {
    const x = new Graph().input('x', [100, 100]);
    const centred = add(x, broadcast(sum(x, [0]), x.shape));
    expect(graphMemory({ name: 'centred', outputs: { centred } }).peak).toBe(101 * bytes);
  });

  test('inputs of a node are computed from the last one on', () => {
    const x = new Graph().input('x', [100]);
    // the large one is gone before the small ones are there
    const outputs = { y: concat([exp(exp(x)), sum(concat([x, x, x, x], 0))], 0) };
    expect(graphMemory({ name: 'order', outputs }).peak).toBe(4 * bytes + 4);
  });
});
