import { Graph } from '../graph/graph.ts';
import type { GraphFunction } from '../graph/graph.ts';
import { toOnnx } from '../graph/onnx/lowering.ts';
import { add, broadcast, matmul, multiply, relu } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { targetsOf } from '../search-space/genotype.ts';
import type { Values } from '../graph/programs.ts';
import { regressionKey } from './cell.ts';
import type { RegressionGenotype } from './cell.ts';
import type { RegressionConfiguration } from './configuration.ts';

/** Points in the graph of the exported file, whose batch axis is dynamic. */
const batch = 2;

/** The adapted network of one decoded cell, x [n, 1] -> y [n, 1], its weights as constants: no edge but the chosen ones. */
export function regressionFunction(
  { cell: { width, nodes } }: RegressionConfiguration,
  genotype: RegressionGenotype,
  weights: Values,
): GraphFunction {
  const graph = new Graph();
  const weight = (name: string): Float32Array => {
    const value = weights[name];
    if (!value) throw new Error(`the adapted network has no ${name}`);
    return value;
  };
  /** Columns `start` to `start + outputs` of a layer whose rows are `stride` wide. */
  const dense = (x: Tensor, name: string, outputs: number, start = 0, stride = outputs): Tensor => {
    const inputs = x.shape[1]!;
    const all = weight(`${name}.weight`);
    const matrix = Float64Array.from(
      { length: inputs * outputs },
      (_, i) => all[Math.floor(i / outputs) * stride + start + (i % outputs)]!,
    );
    const bias = Float64Array.from(weight(`${name}.bias`).subarray(start, start + outputs));
    const y = matmul(x, graph.constant(matrix, [inputs, outputs]));
    return add(y, broadcast(graph.constant(bias, [1, outputs]), y.shape));
  };
  const stem = relu(dense(graph.input('x', [batch, 1]), 'stem', width));
  const states = [stem, stem];
  genotype.forEach((edges, target) => {
    const parts = edges.map(({ operation, input }) => {
      if (operation === 'skip_connect') return states[input]!;
      const targets = targetsOf(input, nodes);
      const column = targets.indexOf(target) * width;
      return relu(dense(states[input]!, `edges.${input}`, width, column, targets.length * width));
    });
    states.push(parts.reduce((total, part) => add(total, part)));
  });
  const outputs = states.slice(2).reduce((total, state) => add(total, state));
  return { name: 'm-nas-regression', outputs: { y: dense(multiply(outputs, 1 / nodes), 'head', 1) } };
}

/** Weights of the decoded network, which are those of the exported one where nothing is normalised. */
export function weightCount(
  { cell: { width }, normalization }: RegressionConfiguration,
  genotype: RegressionGenotype,
): number {
  const linear = genotype.flat().filter(({ operation }) => operation === 'linear').length;
  const affine = normalization === 'none' ? 0 : 2 * width * (1 + linear);
  return 2 * width + linear * (width * width + width) + width + 1 + affine;
}

/** The bytes of the client's file: dynamic batch `n`, standard operators of opset 17, metadata for any runtime. */
export const exportRegression = (
  checkpoint: string,
  genotype: RegressionGenotype,
  built: GraphFunction,
): Uint8Array =>
  toOnnx(built, {
    dynamicBatch: 'n',
    portable: true,
    metadata: {
      checkpoint,
      genotype: JSON.stringify(genotype),
      genotype_key: regressionKey(genotype),
    },
    documentation: 'Few-shot regressor x -> y made by M-NAS for one task',
  });
