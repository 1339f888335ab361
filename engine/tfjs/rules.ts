import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorValues } from '../../model/graph/executor.ts';
import type { PrimitiveTable, Tensor as Node } from '../../model/graph/primitives.ts';
import { inverses } from '../../model/graph/reference/inverse.ts';
import type { Shape } from '../../model/graph/shapes.ts';
import type { Tfjs } from './backend.ts';
import { convolution, convolutionFilterGradient, convolutionInputGradient } from './convolution.ts';
import {
  averagePooled,
  averagePoolGradient,
  gathered,
  maxPooled,
  maxPoolIndices,
  scattered,
} from './pooling.ts';

type Inputs = readonly Tensor[];

const unary =
  (name: 'neg' | 'exp' | 'log' | 'sqrt' | 'sigmoid' | 'tanh' | 'relu' | 'clone' | 'logSoftmax') =>
  (_: Node, tf: Tfjs, [x]: Inputs): Tensor =>
    tf[name](x!);

const binary =
  (name: 'add' | 'sub' | 'mul' | 'div') =>
  (_: Node, tf: Tfjs, [a, b]: Inputs): Tensor =>
    tf[name](a!, b!);

/**
 * x with the batch axes that a product has. tfjs's CPU backend broadcasts batches by repeating the smaller operand as a
 * whole, which is right only where its missing axes are the first ones.
 */
function batched(tf: Tfjs, x: Tensor, { shape }: Node): Tensor {
  const batch: Shape = shape.slice(0, -2);
  const first = x.shape.findIndex((axis) => axis !== 1);
  const fits = batch.every((axis, i) => i < first || axis === x.shape[i]);
  return fits ? x : tf.broadcastTo(x, [...batch, ...x.shape.slice(-2)]);
}

/** x - mean and 1 / sqrt(variance + epsilon) of every row of the last axis. */
function moments(tf: Tfjs, x: Tensor, epsilon: number): { centred: Tensor; inverse: Tensor } {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return { centred, inverse: tf.rsqrt(tf.add(variance, epsilon)) };
}

/** Zeros before and after along one axis, none along the others. */
const padding = (rank: number, axis: number, before: number, after: number): [number, number][] =>
  Array.from({ length: rank }, (_, i) => (i === axis ? [before, after] : [0, 0]));

/**
 * How each primitive is computed by tfjs, in float32; indices are int32. `inputs` are what `readInputs` gives, so
 * operands of elementwise operations and of products may have axes of size 1 still to be broadcast.
 */
export const tfjsRules: PrimitiveTable<[tf: Tfjs, inputs: Inputs, given: TensorValues], Tensor> = {
  input: ({ attributes: { name }, shape }, tf, _, given) => tf.tensor(given[name]!.data, [...shape]),
  constant: ({ attributes: { data }, shape }, tf) =>
    data.length === 1 ? tf.fill([...shape], data[0]!) : tf.tensor(Float32Array.from(data), [...shape]),
  negate: unary('neg'),
  exp: unary('exp'),
  log: unary('log'),
  sqrt: unary('sqrt'),
  sigmoid: unary('sigmoid'),
  tanh: unary('tanh'),
  relu: unary('relu'),
  step: (_, tf, [x]) => tf.cast(tf.greater(x!, 0), 'float32'),
  stop: unary('clone'),
  add: binary('add'),
  subtract: binary('sub'),
  multiply: binary('mul'),
  divide: binary('div'),
  sum: ({ attributes: { axes } }, tf, [x]) => tf.sum(x!, [...axes], true),
  broadcast: ({ shape }, tf, [x]) => tf.broadcastTo(x!, [...shape]),
  reshape: ({ shape }, tf, [x]) => tf.reshape(x!, [...shape]),
  transpose: ({ attributes: { permutation } }, tf, [x]) => tf.transpose(x!, [...permutation]),
  concat: ({ attributes: { axis } }, tf, inputs) => tf.concat([...inputs], axis),
  slice: ({ attributes: { axis, start }, shape }, tf, [x]) =>
    tf.slice(
      x!,
      shape.map((_, i) => (i === axis ? start : 0)),
      [...shape],
    ),
  mirror: ({ attributes: { axis } }, tf, [x]) => tf.reverse(x!, axis),
  pad: ({ attributes: { axis, before, after }, shape }, tf, [x]) =>
    tf.pad(x!, padding(shape.length, axis, before, after)),
  matmul: (node, tf, [a, b]) => {
    const { transposeA, transposeB } = node.attributes;
    return tf.matMul(batched(tf, a!, node), batched(tf, b!, node), transposeA, transposeB);
  },
  // tfjs has no solver: in float64 on the processor, wherever the tensor is
  inverse: ({ shape }, tf, [x]) =>
    tf.tensor(Float32Array.from(inverses(x!.dataSync(), shape.at(-1)!)), [...shape]),
  conv: (node, tf, [x, w]) => convolution(tf, node, x!, w!),
  convInputGradient: (node, tf, [g, w]) => convolutionInputGradient(tf, node, g!, w!),
  convFilterGradient: (node, tf, [x, g]) => convolutionFilterGradient(tf, node, x!, g!),
  maxPool: (node, tf, [x]) => maxPooled(tf, node, x!),
  maxPoolIndex: (node, tf, [x]) => maxPoolIndices(tf, node, x!),
  poolGather: (node, tf, [u, index]) => gathered(tf, node, u!, index!),
  poolScatter: (node, tf, [g, index]) => scattered(tf, node, g!, index!),
  averagePool: (node, tf, [x]) => averagePooled(tf, node, x!),
  averagePoolGradient: (node, tf, [g]) => averagePoolGradient(tf, node, g!),
  normalize: ({ attributes: { epsilon } }, tf, [x]) => {
    const { centred, inverse } = moments(tf, x!, epsilon);
    return tf.mul(centred, inverse);
  },
  inverseDeviation: ({ attributes: { epsilon } }, tf, [x]) => moments(tf, x!, epsilon).inverse,
  logSoftmax: unary('logSoftmax'),
};
