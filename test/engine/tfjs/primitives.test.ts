import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { createTfjsExecutor } from '../../../engine/tfjs/executor.ts';
import type { Executor } from '../../../model/graph/executor.ts';
import { gradient, innerProduct } from '../../../model/graph/gradient.ts';
import { Graph, inputsOf } from '../../../model/graph/graph.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { Programs } from '../../../model/graph/programs.ts';
import { randomPoint, randomSum } from '../../support/check-gradients.ts';
import type { Point } from '../../support/check-gradients.ts';
import { largestDifference } from '../../support/differences.ts';
import { samples } from '../../support/samples.ts';

const tfjs = createTfjsExecutor(1);
const onnxruntime = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 1 });
afterAll(() => Promise.all([tfjs.dispose(), onnxruntime.dispose()]));

async function run(
  executor: Executor,
  name: string,
  tensors: readonly Tensor[],
  point: Point,
): Promise<Float32Array[]> {
  const outputs = Object.fromEntries(tensors.map((tensor, i) => [`out${i}`, tensor]));
  const values = Object.entries(point).map(([input, data]) => [input, Float32Array.from(data)] as const);
  const build = () => ({ name, outputs });
  const results = await new Programs(executor, 'test').run(name, build, Object.fromEntries(values));
  return tensors.map((_, i) => results[`out${i}`]!);
}

/** Gradients of the first order of every output's weighted sum, and of the second of all these together. */
function derivatives(outputs: readonly Tensor[]): Tensor[] {
  const first = outputs.flatMap((output, i) => {
    const loss = randomSum(output, i);
    return gradient(loss, Object.values(inputsOf([loss])));
  });
  const total = innerProduct(first, first);
  return [...first, ...gradient(total, Object.values(inputsOf([total])))];
}

describe.each(Object.entries(samples))('tfjs: %s', (name, sample) => {
  it('gives the same as the float64 reference and onnxruntime, with its gradients of order 1 and 2', async () => {
    const outputs = sample(new Graph());
    const everything = [...outputs, ...derivatives(outputs)];
    const point = randomPoint(everything, 11);
    const expected = evaluate(everything, point);
    const actual = await run(tfjs, name, everything, point);
    const other = await run(onnxruntime, name, everything, point);
    expected.forEach((values, i) => {
      expect(largestDifference(actual[i]!, values), `reference, output ${i}`).toBeLessThan(2e-5);
      expect(largestDifference(actual[i]!, other[i]!), `onnxruntime, output ${i}`).toBeLessThan(2e-5);
    });
  });
});
