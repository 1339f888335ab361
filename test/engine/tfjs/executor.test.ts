import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTfjsExecutor } from '../../../engine/tfjs/executor.ts';
import type { TfjsExecutor } from '../../../engine/tfjs/executor.ts';
import type { TensorValue } from '../../../model/graph/executor.ts';
import { Graph } from '../../../model/graph/graph.ts';
import type { GraphFunction } from '../../../model/graph/graph.ts';
import * as op from '../../../model/graph/operations.ts';

const executors: TfjsExecutor[] = [];

function executor(cacheSize = 2): TfjsExecutor {
  const created = createTfjsExecutor(cacheSize);
  executors.push(created);
  return created;
}

afterEach(() => Promise.all(executors.splice(0).map((each) => each.dispose())));

const vector = (...values: number[]): TensorValue => ({
  data: Float32Array.from(values),
  shape: [values.length],
});

/** y = factor · x + [1, 2] for a vector of two. */
function scale(factor: number): GraphFunction {
  const graph = new Graph();
  const y = op.add(op.multiply(graph.input('x', [2]), factor), graph.constant([1, 2], [2]));
  return { name: 'scale', outputs: { y } };
}

describe('TfjsExecutor', () => {
  it('names version and backend', () => {
    expect(executor().description).toBe('tfjs 4.22.0, backend cpu (plain JavaScript)');
  });

  it('runs a graph; outputs carry their shapes', async () => {
    const program = await executor().program('double', () => scale(2));
    expect(await program.run({ x: vector(1, -2) })).toEqual({ y: vector(3, -2) });
  });

  it('returns data of its own, also where an output is an input or a constant, or two outputs are one', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const outputs = { x, same: op.stop(x), flat: op.reshape(x, [1, 2]), one: graph.constant([1, 2], [2]) };
    const program = await executor().program('copies', () => ({ name: 'copies', outputs }));
    const given = vector(3, 4);
    const first = await program.run({ x: given });
    given.data.fill(0);
    for (const { data } of Object.values(first)) data[0] = 9;
    expect(first['same']!.data[1]).toBe(4);
    expect(await program.run({ x: vector(3, 4) })).toEqual({
      x: vector(3, 4),
      same: vector(3, 4),
      flat: { data: Float32Array.of(3, 4), shape: [1, 2] },
      one: vector(1, 2),
    });
  });

  it('takes the first of equal maxima, in each plane', async () => {
    const graph = new Graph();
    const x = graph.input('x', [1, 2, 3, 3]);
    const places = graph.constant(
      Array.from({ length: 18 }, (_, i) => i),
      [1, 2, 3, 3],
    );
    const index = op.maxPoolIndex(x, { kernel: 3, stride: 2, padding: 1 });
    const build = () => ({ name: 'ties', outputs: { index: op.poolGather(places, index) } });
    const program = await executor().program('ties', build);
    const zeros = { data: new Float32Array(18), shape: [1, 2, 3, 3] };
    expect((await program.run({ x: zeros }))['index']!.data).toEqual(
      Float32Array.of(0, 1, 3, 4, 9, 10, 12, 13),
    );
  });

  it('leaves no tensor behind: not after runs or failed runs, after eviction, after its end', async () => {
    const before = tf.memory().numTensors;
    const target = executor(1);
    const program = await target.program('a', () => scale(2));
    const constants = tf.memory().numTensors - before;
    expect(constants).toBe(2); // [1, 2], and the factor
    for (let i = 0; i < 5; i++) await program.run({ x: vector(1, 2) });
    await expect(program.run({})).rejects.toThrow();
    vi.spyOn(tf.engine().backend, 'readSync').mockImplementationOnce(() => {
      throw new Error('device lost');
    });
    await expect(program.run({ x: vector(1, 2) })).rejects.toMatchObject({ code: 'RUN_FAILED' });
    expect(tf.memory().numTensors - before).toBe(constants);
    await target.program('b', () => scale(3));
    expect(tf.memory().numTensors - before).toBe(constants);
    expect(tf.memory().numDataBuffers).toBeLessThanOrEqual(tf.memory().numTensors);
    await target.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('frees a value as soon as its last reader has run', async () => {
    const graph = new Graph();
    let y = graph.input('x', [2]);
    for (let i = 0; i < 50; i++) y = op.tanh(op.exp(y));
    const program = await executor().program('chain', () => ({ name: 'chain', outputs: { y } }));
    const before = tf.memory().numTensors;
    let most = 0;
    const tanh = tf.getKernel('Tanh', 'cpu');
    tf.unregisterKernel('Tanh', 'cpu');
    tf.registerKernel({
      ...tanh,
      kernelFunc: (parameters) => {
        most = Math.max(most, tf.memory().numTensors - before);
        return tanh.kernelFunc(parameters);
      },
    });
    await program.run({ x: vector(0.1, 0.2) });
    tf.unregisterKernel('Tanh', 'cpu');
    tf.registerKernel(tanh);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(4);
  });

  it('builds once per key; what was evicted is built again when it runs', async () => {
    const target = executor(1);
    const build = vi.fn(() => scale(2));
    await target.program('a', build);
    const program = await target.program('a', build);
    expect(build).toHaveBeenCalledTimes(1);
    await target.program('b', () => scale(3));
    expect(await program.run({ x: vector(1, 1) })).toEqual({ y: vector(3, 4) });
    expect(build).toHaveBeenCalledTimes(2);
  });

  it('names wrong inputs and refuses work after its end', async () => {
    const target = executor();
    const program = await target.program('a', () => scale(2));
    await expect(program.run({})).rejects.toThrow('a: input x is missing');
    const short = { data: new Float32Array(1), shape: [2] };
    await expect(program.run({ x: short })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(program.run({ x: vector(1, 2, 3) })).rejects.toThrow('a: input x is [3], not [2]');
    await target.dispose();
    await expect(program.run({ x: vector(1, 2) })).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(target.program('a', () => scale(2))).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  it('checks its options', () => {
    expect(() => createTfjsExecutor(0)).toThrow(RangeError);
  });
});
