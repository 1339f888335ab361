import { describe, expect, it, test } from 'vitest';
import { gradient } from '../../../../model/graph/gradient.ts';
import { Graph, inputsOf } from '../../../../model/graph/graph.ts';
import { add, conv, multiply } from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { decodeModel } from '../../../../model/graph/onnx/encode.ts';
import { toOnnx } from '../../../../model/graph/onnx/lowering.ts';
import { evaluate } from '../../../../model/graph/reference/interpreter.ts';
import { randomPoint, randomSum } from '../../../support/check-gradients.ts';
import { largestDifference } from '../../../support/differences.ts';
import { runFile } from '../../../support/run-file.ts';

const channels = 32;

const geometries = [7, 8, 21].flatMap((side) =>
  [1, 2].flatMap((stride) =>
    [
      [3, 1],
      [5, 1],
      [3, 2],
      [5, 2],
    ].map(([kernel, dilation]) => ({ side, stride, kernel: kernel!, dilation: dilation! })),
  ),
);

/** A depthwise convolution that keeps or halves the side. */
function depthwise(
  { side, stride, kernel, dilation }: (typeof geometries)[number],
  graph = new Graph(),
): Tensor {
  const padding = (dilation * (kernel - 1)) / 2;
  const x = graph.input('x', [1, channels, side, side]);
  const w = graph.input('w', [channels, 1, kernel, kernel]);
  return conv(x, w, { stride, padding, dilation, groups: channels });
}

const file = (outputs: readonly Tensor[], blocked: boolean): Uint8Array =>
  toOnnx(
    { name: 'test', outputs: Object.fromEntries(outputs.map((tensor, i) => [`out${i}`, tensor])) },
    { blocked },
  );

describe('the blocked layout', () => {
  test.each(geometries)(
    'gives the value and the gradients of order 1 and 2 of the float64 reference: $side px, stride $stride, kernel $kernel, dilation $dilation',
    async (geometry) => {
      const y = depthwise(geometry);
      const wrt = Object.values(inputsOf([y]));
      const first = gradient(randomSum(multiply(y, y), 3), wrt);
      const second = gradient(
        first.map((part, i) => randomSum(multiply(part, part), 5 + i)).reduce((a, b) => add(a, b)),
        wrt,
      );
      const outputs = [y, ...first, ...second];
      const point = randomPoint(outputs, 11);
      const expected = evaluate(outputs, point);
      const inputs = Object.entries(inputsOf(outputs)).map(
        ([name, { shape }]) => [name, { data: Float32Array.from(point[name]!), dims: shape }] as const,
      );
      const results = await runFile(file(outputs, true), Object.fromEntries(inputs));
      expected.forEach((values, i) => {
        const size = Math.max(...values.map(Math.abs));
        expect(largestDifference(results[`out${i}`]!.data, values) / size).toBeLessThan(1e-5);
      });
    },
  );

  it('is in the file where it is asked for, and channels are whole blocks with a kernel each', () => {
    const domains = (outputs: readonly Tensor[], blocked: boolean) =>
      decodeModel(file(outputs, blocked)).nodes.flatMap(({ domain = '' }) =>
        domain.endsWith('nchwc') ? [domain] : [],
      );
    const y = depthwise(geometries[0]!);
    expect(domains([y], true)).not.toEqual([]);
    expect(domains([y], false)).toEqual([]);
    const graph = new Graph();
    const plain = { stride: 1, padding: 1, dilation: 1 };
    const few = conv(graph.input('x', [1, 8, 7, 7]), graph.input('w', [8, 1, 3, 3]), { ...plain, groups: 8 });
    const dense = conv(graph.input('v', [1, 16, 7, 7]), graph.input('d', [16, 16, 3, 3]), {
      ...plain,
      groups: 1,
    });
    const doubled = conv(graph.input('u', [1, 16, 7, 7]), graph.input('e', [32, 1, 3, 3]), {
      ...plain,
      groups: 16,
    });
    const gradients = gradient(randomSum(doubled, 1), Object.values(inputsOf([doubled])));
    expect(domains([few, dense, doubled, ...gradients], true)).toEqual([]);
  });
});
