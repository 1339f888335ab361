import { describe, expect, it } from 'vitest';
import { benchArithmetic } from '../../bench/arithmetic.ts';
import { workloadSchema } from '../../bench/workload.ts';
import { multiplyAddsOf } from '../../model/graph/arithmetic.ts';
import { gradient } from '../../model/graph/gradient.ts';
import { Graph } from '../../model/graph/graph.ts';
import { conv, exp, inverse, matmul, sum } from '../../model/graph/operations.ts';

describe('multiplyAddsOf', () => {
  it('counts a convolution of groups as often as each of its two gradients', () => {
    const graph = new Graph();
    const [x, w] = [graph.input('x', [2, 4, 7, 7]), graph.input('w', [6, 2, 3, 3])];
    const y = conv(x, w, { stride: 2, padding: 1, groups: 2 }); // [2, 6, 4, 4]
    const own = 2 * 6 * 4 * 4 * (2 * 3 * 3);
    expect(multiplyAddsOf([y])).toBe(own);
    expect(multiplyAddsOf([y, ...gradient(sum(y), [x, w])])).toBe(3 * own);
    expect(multiplyAddsOf([y, y])).toBe(own);
  });

  it('counts products however their operands are read', () => {
    const graph = new Graph();
    const [a, b] = [graph.input('a', [5, 2, 3]), graph.input('b', [5, 4, 2])];
    expect(multiplyAddsOf([matmul(a, b, true, true)])).toBe(5 * 3 * 2 * 4);
  });

  it('counts an inverse once, and its gradient as two products', () => {
    const x = new Graph().input('x', [5, 4, 4]);
    const y = inverse(x);
    expect(multiplyAddsOf([y])).toBe(5 * 4 ** 3);
    expect(multiplyAddsOf([y, ...gradient(sum(exp(y)), [x])])).toBe(3 * 5 * 4 ** 3);
  });
});

describe('bench arithmetic', () => {
  it('compares a task with the speed of large products; twice the queries multiply more', async () => {
    const small = { network: 'conv4', size: 16, way: 2, shot: 1, query: 1, steps: 1 };
    const one = await benchArithmetic(workloadSchema.parse(small), 2);
    const two = await benchArithmetic(workloadSchema.parse({ ...small, query: 2 }), 2);
    expect(two.gigaflop).toBeGreaterThan(1.1 * one.gigaflop);
    expect(one.atLimit).toBeCloseTo((1000 * one.gigaflop) / one.limit, 9);
    expect(one.least).toBeGreaterThan(one.atLimit);
  }, 60_000);
});
