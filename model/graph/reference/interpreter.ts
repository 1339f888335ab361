import { topological } from '../graph.ts';
import { applyRule, GraphError } from '../primitives.ts';
import type { PrimitiveTable, Tensor } from '../primitives.ts';
import { sizeOf } from '../shapes.ts';
import type { Shape } from '../shapes.ts';
import { convolution, convolutionFilterGradient, convolutionInputGradient } from './convolution.ts';
import { inverses } from './inverse.ts';
import { averagePoolGradient, averagePooled, maxPooled } from './pooling.ts';
import { stridesOf, walkRows } from './strides.ts';

type Values = readonly Float64Array[];

const unary =
  (f: (x: number) => number) =>
  (_: Tensor, [x]: Values): Float64Array =>
    x!.map(f);

const binary =
  (f: (a: number, b: number) => number) =>
  (_: Tensor, [a, b]: Values): Float64Array =>
    a!.map((value, i) => f(value, b![i]!));

/** For each row of the last axis: its values in x mapped by `f` to the row of the result. */
function rows(node: Tensor, x: Float64Array, f: (row: Float64Array) => ArrayLike<number>): Float64Array {
  const length = node.inputs[0]!.shape.at(-1)!;
  const width = node.shape.at(-1)!;
  const result = new Float64Array(sizeOf(node.shape));
  for (let row = 0; row * length < x.length; row++) {
    result.set(f(x.subarray(row * length, (row + 1) * length)), row * width);
  }
  return result;
}

function moments(row: Float64Array, epsilon: number): { mean: number; inverse: number } {
  const mean = row.reduce((total, value) => total + value, 0) / row.length;
  const variance = row.reduce((total, value) => total + (value - mean) ** 2, 0) / row.length;
  return { mean, inverse: 1 / Math.sqrt(variance + epsilon) };
}

/** The elements of x at the offsets that `strides` give the node's shape, from `start` on. */
function gathered({ shape }: Tensor, x: Float64Array, strides: readonly number[], start = 0): Float64Array {
  const result = new Float64Array(sizeOf(shape));
  let position = 0;
  walkRows(shape, strides, (offset, length, stride) => {
    for (let i = 0; i < length; i++) result[position++] = x[start + offset + i * stride]!;
  });
  return result;
}

/** Writes x, in row-major order of `shape`, into `result` at the offsets that `strides` give, from `start` on. */
function scattered(
  shape: Shape,
  x: Float64Array,
  strides: readonly number[],
  start: number,
  result: Float64Array,
): void {
  let position = 0;
  walkRows(shape, strides, (offset, length, stride) => {
    for (let i = 0; i < length; i++) result[start + offset + i * stride] = x[position++]!;
  });
}

function product(node: Tensor<'matmul'>, a: Float64Array, b: Float64Array): Float64Array {
  const { transposeA, transposeB } = node.attributes;
  const [m, n] = node.shape.slice(-2) as [number, number];
  const k = node.inputs[0]!.shape.at(transposeA ? -2 : -1)!;
  const [rowA, stepA] = transposeA ? [1, m] : [k, 1];
  const [columnB, rowB] = transposeB ? [k, 1] : [1, n];
  const result = new Float64Array(sizeOf(node.shape));
  for (let batch = 0; batch * m * n < result.length; batch++) {
    for (let i = 0; i < m; i++) {
      const firstA = batch * m * k + i * rowA;
      const at = (batch * m + i) * n;
      for (let l = 0; l < k; l++) {
        const factor = a[firstA + l * stepA]!;
        const firstB = batch * k * n + l * rowB;
        for (let j = 0; j < n; j++) result[at + j]! += factor * b[firstB + j * columnB]!;
      }
    }
  }
  return result;
}

/** The meaning of every primitive in float64, by plain loops: the oracle of the tests. */
const referenceRules: PrimitiveTable<
  [inputs: Values, given: Readonly<Record<string, Float64Array>>],
  Float64Array
> = {
  input: (node, _, given) => {
    const value = given[node.attributes.name];
    if (value?.length !== sizeOf(node.shape))
      throw new GraphError(`input ${node.attributes.name} is missing or short`);
    return value;
  },
  constant: ({ attributes: { data }, shape }) =>
    data.length === 1 ? new Float64Array(sizeOf(shape)).fill(data[0]!) : data,
  negate: unary((x) => -x),
  exp: unary(Math.exp),
  log: unary(Math.log),
  sqrt: unary(Math.sqrt),
  sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  tanh: unary(Math.tanh),
  relu: unary((x) => Math.max(x, 0)),
  step: unary((x) => (x > 0 ? 1 : 0)),
  stop: unary((x) => x),
  add: binary((a, b) => a + b),
  subtract: binary((a, b) => a - b),
  multiply: binary((a, b) => a * b),
  divide: binary((a, b) => a / b),
  sum: (node, [x]) => {
    const result = new Float64Array(sizeOf(node.shape));
    const strides = stridesOf(node.shape).map((stride, axis) =>
      node.attributes.axes.includes(axis) ? 0 : stride,
    );
    let position = 0;
    walkRows(node.inputs[0]!.shape, strides, (offset, length, stride) => {
      for (let i = 0; i < length; i++) result[offset + i * stride]! += x![position++]!;
    });
    return result;
  },
  broadcast: (node, [x]) => {
    const from = node.inputs[0]!.shape;
    return gathered(
      node,
      x!,
      stridesOf(from).map((stride, axis) => (from[axis] === 1 ? 0 : stride)),
    );
  },
  reshape: (_, [x]) => x!,
  transpose: (node, [x]) => {
    const from = stridesOf(node.inputs[0]!.shape);
    return gathered(
      node,
      x!,
      node.attributes.permutation.map((axis) => from[axis]!),
    );
  },
  concat: (node, inputs) => {
    const { axis } = node.attributes;
    const result = new Float64Array(sizeOf(node.shape));
    const strides = stridesOf(node.shape);
    let start = 0;
    node.inputs.forEach(({ shape }, i) => {
      scattered(shape, inputs[i]!, strides, start, result);
      start += shape[axis]! * strides[axis]!;
    });
    return result;
  },
  slice: (node, [x]) => {
    const { axis, start } = node.attributes;
    const strides = stridesOf(node.inputs[0]!.shape);
    return gathered(node, x!, strides, start * strides[axis]!);
  },
  mirror: (node, [x]) => {
    const { axis } = node.attributes;
    const strides = stridesOf(node.shape);
    const last = (node.shape[axis]! - 1) * strides[axis]!;
    return gathered(
      node,
      x!,
      strides.map((stride, i) => (i === axis ? -stride : stride)),
      last,
    );
  },
  pad: (node, [x]) => {
    const { axis, before } = node.attributes;
    const result = new Float64Array(sizeOf(node.shape));
    const strides = stridesOf(node.shape);
    scattered(node.inputs[0]!.shape, x!, strides, before * strides[axis]!, result);
    return result;
  },
  matmul: (node, [a, b]) => product(node, a!, b!),
  inverse: (node, [x]) => inverses(x!, node.shape.at(-1)!),
  conv: (node, [x, w]) => convolution(node, x!, w!),
  convInputGradient: (node, [g, w]) => convolutionInputGradient(node, g!, w!),
  convFilterGradient: (node, [x, g]) => convolutionFilterGradient(node, x!, g!),
  maxPool: (node, [x]) => maxPooled(node, x!).values,
  maxPoolIndex: (node, [x]) => maxPooled(node, x!).indices,
  poolGather: (_, [u, index]) => index!.map((at) => u![at]!),
  poolScatter: (node, [g, index]) => {
    const result = new Float64Array(sizeOf(node.shape));
    index!.forEach((at, i) => (result[at]! += g![i]!));
    return result;
  },
  averagePool: (node, [x]) => averagePooled(node, x!),
  averagePoolGradient: (node, [g]) => averagePoolGradient(node, g!),
  normalize: (node, [x]) =>
    rows(node, x!, (row) => {
      const { mean, inverse } = moments(row, node.attributes.epsilon);
      return row.map((value) => (value - mean) * inverse);
    }),
  inverseDeviation: (node, [x]) => rows(node, x!, (row) => [moments(row, node.attributes.epsilon).inverse]),
  logSoftmax: (node, [x]) =>
    rows(node, x!, (row) => {
      const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const total = Math.log(row.reduce((sofar, value) => sofar + Math.exp(value - top), 0));
      return row.map((value) => value - top - total);
    }),
};

/** Evaluates `outputs` in float64 for the given inputs. Throws GraphError where an input is missing or short. */
export function evaluate(
  outputs: readonly Tensor[],
  given: Readonly<Record<string, Float64Array>>,
): Float64Array[] {
  const values = new Map<Tensor, Float64Array>();
  for (const node of topological(outputs)) {
    const inputs = node.inputs.map((tensor) => values.get(tensor)!);
    values.set(node, applyRule(referenceRules, node, inputs, given));
  }
  return outputs.map((tensor) => values.get(tensor)!);
}
