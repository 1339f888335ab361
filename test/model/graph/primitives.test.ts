import { describe, expect, it, test } from 'vitest';
import { Graph, inputsOf, topological } from '../../../model/graph/graph.ts';
import { gradient } from '../../../model/graph/gradient.ts';
import * as op from '../../../model/graph/operations.ts';
import { toOnnx } from '../../../model/graph/onnx/lowering.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import { shapeRules } from '../../../model/graph/shapes.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { checkGradients, randomPoint, randomSum } from '../../support/check-gradients.ts';
import type { Point } from '../../support/check-gradients.ts';
import { largestDifference } from '../../support/differences.ts';
import { runFile } from '../../support/run-file.ts';
import { samples } from '../../support/samples.ts';

async function runOnnx(outputs: readonly Tensor[], point: Point, portable: boolean): Promise<Float32Array[]> {
  const named = Object.fromEntries(outputs.map((tensor, i) => [`out${i}`, tensor]));
  const inputs = Object.entries(inputsOf(outputs)).map(
    ([name, { shape }]) => [name, { data: Float32Array.from(point[name]!), dims: shape }] as const,
  );
  const file = toOnnx({ name: 'test', outputs: named }, { portable });
  const results = await runFile(file, Object.fromEntries(inputs));
  return outputs.map((_, i) => results[`out${i}`]!.data);
}

test('every primitive has a sample that uses it', () => {
  expect(Object.keys(samples).sort()).toEqual(['input', 'constant', ...Object.keys(shapeRules)].sort());
  for (const [primitive, sample] of Object.entries(samples)) {
    const used = topological(sample(new Graph())).map((node) => node.primitive);
    expect(used, primitive).toContain(primitive);
  }
});

describe.each(Object.entries(samples))('%s', (primitive, sample) => {
  it('has gradients of order 1 and 2 that agree with central differences in float64', () => {
    for (const [i, output] of sample(new Graph()).entries()) {
      const loss = randomSum(op.multiply(output, op.sigmoid(output)), i);
      for (const error of checkGradients(loss, randomPoint([loss], 5 + i))) {
        expect(error.relative, `order ${error.order} of expression ${i}`).toBeLessThan(1e-6);
      }
    }
  });

  // standard ONNX has no inverse: refused, see graph.test.ts
  it.each(primitive === 'inverse' ? [false] : [false, true])(
    'gives the same in onnxruntime as in the float64 reference, with its gradients (portable: %s)',
    async (portable) => {
      const outputs = sample(new Graph());
      const losses = outputs.map((output, i) => randomSum(output, i));
      const gradients = losses.flatMap((loss) => gradient(loss, Object.values(inputsOf([loss]))));
      const everything = [...outputs, ...gradients];
      const point = randomPoint(everything, 11);
      const expected = evaluate(everything, point);
      const actual = await runOnnx(everything, point, portable);
      expected.forEach((values, i) => expect(largestDifference(actual[i]!, values)).toBeLessThan(2e-5));
    },
  );
});
