import { afterAll, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { Graph } from '../../../model/graph/graph.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { leaveOneOut, ridgeHead } from '../../../model/head/ridge.ts';
import { largestDifference } from '../../support/differences.ts';
import { oneHot, unitFeatures } from '../../support/ridge.ts';

const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 1 });
afterAll(() => executor.dispose());

/** Float32 rows near length 1 that share a direction, as features that are not centred do: the hardest ones. */
function alikeFeatures(sizes: readonly number[], f: number): Float32Array {
  const shared = unitFeatures([1], f, 12345);
  const own = unitFeatures(sizes, f, 1);
  return Float32Array.from(own, (value, i) => 0.5 * value + Math.sqrt(0.75) * shared[i % f]!);
}

it.each([
  ['primal', 50, 256],
  ['dual', 15, 320],
])('in float32 the %s form of 20 classes, %i images each, errs by less than 5e-5', async (_, shot, f) => {
  const sizes = Array<number>(20).fill(shot);
  const n = 20 * shot;
  const graph = new Graph();
  const problem = {
    features: graph.input('x', [n, f]),
    targets: graph.constant(oneHot(sizes), [n, 20]),
    lambda: graph.input('lambda', [1, 1]),
  };
  const outputs = { weight: ridgeHead(problem).weight, leftOut: leaveOneOut(problem) };
  const program = await executor.program(`ridge ${f}`, () => ({ name: 'ridge', outputs }));
  const x = alikeFeatures(sizes, f);
  const lambda = Float32Array.of(0.1); // a small one, which errs most

  const results = await program.run({
    x: { data: x, shape: [n, f] },
    lambda: { data: lambda, shape: [1, 1] },
  });

  const exact = evaluate(Object.values(outputs), {
    x: Float64Array.from(x),
    lambda: Float64Array.from(lambda),
  });
  Object.keys(outputs).forEach((name, i) => {
    const error = largestDifference(results[name]!.data, exact[i]!);
    expect(error, name).toBeLessThan(5e-5);
    expect(error, name).toBeGreaterThan(0);
  });
});
