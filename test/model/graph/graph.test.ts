import { describe, expect, it } from 'vitest';
import { gradient } from '../../../model/graph/gradient.ts';
import { Graph, inputsOf, topological } from '../../../model/graph/graph.ts';
import { toOnnx } from '../../../model/graph/onnx/lowering.ts';
import { decodeModel } from '../../../model/graph/onnx/encode.ts';
import * as op from '../../../model/graph/operations.ts';
import { GraphError } from '../../../model/graph/primitives.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { runFile } from '../../support/run-file.ts';

describe('Graph', () => {
  it('shares equal expressions', () => {
    const g = new Graph();
    const x = g.input('x', [2, 3]);
    expect(op.exp(op.add(x, 1))).toBe(op.exp(op.add(g.input('x', [2, 3]), 1)));
    expect(topological([op.add(op.exp(x), op.exp(x))])).toHaveLength(3);
  });

  it('simplifies neutral and inverse operations away', () => {
    const x = new Graph().input('x', [2, 3]);
    expect(op.add(x, 0)).toBe(x);
    expect(op.multiply(x, 1)).toBe(x);
    expect(op.divide(x, 1)).toBe(x);
    expect(op.negate(op.negate(x))).toBe(x);
    expect(op.transpose(op.transpose(x, [1, 0]), [1, 0])).toBe(x);
    expect(op.reshape(op.reshape(x, [6]), [2, 3])).toBe(x);
    expect(op.fillOf(op.multiply(x, 0))).toBe(0);
  });

  it('no derivative goes through stop', () => {
    const g = new Graph();
    const [x, y] = [g.input('x', [3]), g.input('y', [3])];
    const point = { x: Float64Array.from([0.1, 0.2, 0.3]), y: Float64Array.from([1, 2, 3]) };
    const [toX, toY] = evaluate(gradient(op.sum(op.multiply(op.stop(op.exp(x)), y)), [x, y]), point);
    expect(toX).toEqual(new Float64Array(3));
    expect(toY).toEqual(point.x.map(Math.exp));
  });

  it.each<[string, (g: Graph, x: Tensor) => unknown]>([
    ['elementwise operands of different shapes', (g, x) => op.add(x, g.input('y', [3, 2]))],
    ['a broadcast that does not fit', (_, x) => op.broadcast(x, [4, 3])],
    ['a reshape to another size', (_, x) => op.reshape(x, [5])],
    ['a transpose that is no permutation', (_, x) => op.transpose(x, [0, 0])],
    ['a slice outside its axis', (_, x) => op.slice(x, 1, 2, 2)],
    ['a sum over an axis that is not there', (_, x) => x.graph.node('sum', [x], { axes: [2] })],
    ['a product whose inner axes differ', (_, x) => op.matmul(x, x)],
    ['the inverse of what is not square', (_, x) => op.inverse(x)],
    ['a convolution of no planes', (g, x) => op.conv(x, g.input('w', [1, 1, 3, 3]))],
    [
      'groups that do not fit',
      (g) => op.conv(g.input('p', [1, 3, 5, 5]), g.input('w', [4, 1, 3, 3]), { groups: 2 }),
    ],
    ['a constant that does not fill its shape', (g) => g.constant([1, 2], [3])],
    ['an input of the same name and another shape', (g) => g.input('x', [1])],
    ['an input of another graph', (_, x) => op.add(x, new Graph().input('x', [2, 3]))],
  ])('refuses %s', (_, build) => {
    const g = new Graph();
    expect(() => build(g, g.input('x', [2, 3]))).toThrow(GraphError);
  });
});

describe('gradient', () => {
  it('is zero for what a loss does not depend on, and has no nodes for it', () => {
    const g = new Graph();
    const [x, y] = [g.input('x', [2]), g.input('y', [2])];
    const [toX, toY] = gradient(op.sum(op.multiply(x, x)), [x, y]);
    expect(op.fillOf(toY!)).toBe(0);
    expect(evaluate([toX!], { x: Float64Array.of(1, -3) })[0]).toEqual(Float64Array.of(2, -6));
    expect(Object.keys(inputsOf([toX!, toY!]))).toEqual(['x']);
  });

  it('of the third order is exact', () => {
    const x = new Graph().input('x', [1]);
    let derivative = op.multiply(op.exp(op.multiply(x, 2)), x); // (x e^2x)''' = (8x + 12) e^2x
    for (let order = 0; order < 3; order++) derivative = gradient(derivative, [x])[0]!;
    expect(evaluate([derivative], { x: Float64Array.of(0.3) })[0]![0]).toBeCloseTo(
      (8 * 0.3 + 12) * Math.exp(0.6),
      10,
    );
  });
});

describe('toOnnx', () => {
  it('gives the same bytes for the same function, with a dynamic first axis where asked', () => {
    const build = (): Uint8Array => {
      const x = new Graph().input('x', [2, 3]);
      return toOnnx(
        { name: 'f', outputs: { y: op.reshape(op.multiply(x, 2), [2, 3, 1]) } },
        { dynamicBatch: 'n' },
      );
    };
    expect(build()).toEqual(build());
    expect(decodeModel(build()).inputs[0]!.shape).toEqual(['n', 3]);
  });

  it('refuses an inverse in a portable file only', () => {
    const graph = { name: 'f', outputs: { y: op.inverse(new Graph().input('x', [2, 3, 3])) } };
    expect(() => toOnnx(graph, { portable: true })).toThrow(
      new GraphError('a portable file cannot hold an inverse: standard ONNX has no operator for it'),
    );
    expect(decodeModel(toOnnx(graph))).toMatchObject({
      nodes: [{ operator: 'Inverse', domain: 'com.microsoft' }, { operator: 'Identity' }],
      domains: [{ domain: 'com.microsoft', version: 1 }],
    });
  });

  it('writes a softmax as one operator in a portable file, and no logarithm that nothing reads', async () => {
    const probabilities = op.softmax(new Graph().input('x', [1, 3]));
    const operators = (outputs: Record<string, Tensor>, portable: boolean): string[] =>
      decodeModel(toOnnx({ name: 'f', outputs }, { portable })).nodes.map(({ operator }) => operator);
    expect(operators({ probabilities }, true)).toEqual(['Softmax', 'Identity']);
    expect(operators({ probabilities }, false)).toEqual(['LogSoftmax', 'Exp', 'Identity']);
    const logarithms = probabilities.inputs[0]!;
    expect(operators({ logarithms, probabilities }, true)).toEqual([
      'LogSoftmax',
      'Softmax',
      'Identity',
      'Identity',
    ]);
    const file = toOnnx({ name: 'f', outputs: { probabilities } }, { portable: true });
    const given = await runFile(file, { x: { data: Float32Array.of(-200, 200, 200), dims: [1, 3] } });
    expect(Array.from(given['probabilities']!.data)).toEqual([0, 0.5, 0.5]);
  });

  it('refuses to lose a dynamic first axis', () => {
    const x = new Graph().input('x', [2, 3]);
    const mixed = { name: 'f', outputs: { y: op.exp(op.reshape(x, [3, 2])) } };
    expect(() => toOnnx(mixed, { dynamicBatch: 'n' })).toThrow(GraphError);
    const one = new Graph().input('x', [1, 4]);
    const single = { name: 'f', outputs: { y: op.exp(op.reshape(one, [2, 2])) } };
    expect(() => toOnnx(single, { dynamicBatch: 'n' })).toThrow(GraphError);
  });

  it('reshapes a dynamic first axis into a multiple of it and back', async () => {
    const x = new Graph().input('x', [2, 4]);
    const pairs = op.exp(op.reshape(op.mirror(x, 1), [4, 2]));
    const bytes = toOnnx({ name: 'f', outputs: { y: op.reshape(pairs, [2, 4]) } }, { dynamicBatch: 'n' });
    const given = Float32Array.from({ length: 12 }, (_, i) => i / 12);
    const { y } = await runFile(bytes, { x: { data: given, dims: [3, 4] } });
    expect(y!.dims).toEqual([3, 4]);
    given.forEach((_, i) => expect(y!.data[i]).toBeCloseTo(Math.exp(given[i - (i % 4) + 3 - (i % 4)]!), 5));
  });
});
