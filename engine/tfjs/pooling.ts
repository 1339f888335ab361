import type { Tensor } from '@tensorflow/tfjs-core';
import type { Pooling, Tensor as Node } from '../../model/graph/primitives.ts';
import type { Tfjs } from './backend.ts';
import { patches, unpatches } from './windows.ts';
import type { Windows } from './windows.ts';

const windowsOf = ({ kernel, stride, padding }: Pooling): Windows => ({
  stride,
  padding,
  dilation: 1,
  kernel: [kernel, kernel],
});

/** The axis of taps in patches [n, c, taps, h', w']. */
const taps = 2;

/** The maximum under each window. */
export const maxPooled = (tf: Tfjs, node: Node<'maxPool'>, x: Tensor): Tensor =>
  tf.max(patches(tf, x, windowsOf(node.attributes), Number.NEGATIVE_INFINITY), taps);

/**
 * The flat index into x of each maximum, int32. The first of equal values, which argMax does not promise on every
 * backend: of the places that hold the maximum, the one with the lowest index.
 */
export function maxPoolIndices(tf: Tfjs, node: Node<'maxPoolIndex'>, x: Tensor): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const windows = windowsOf(node.attributes);
  const seen = patches(tf, x, windows, Number.NEGATIVE_INFINITY);
  const largest = tf.max(seen, taps, true);
  // within a plane, so that float32 counts exactly; the last place stands for «not here», and for NaN
  const last = h * w - 1;
  const places = patches(tf, tf.reshape(tf.range(0, h * w), [1, 1, h, w]), windows, last);
  const inPlane = tf.min(tf.where(tf.equal(seen, largest), places, tf.scalar(last)), taps); // [n, c, h', w']
  const planes = tf.reshape(tf.range(0, n * c, 1, 'int32'), [n, c, 1, 1]);
  return tf.add(tf.cast(inPlane, 'int32'), tf.mul(planes, tf.scalar(h * w, 'int32')));
}

/** Values of u at flat indices. */
export function gathered(tf: Tfjs, node: Node<'poolGather'>, u: Tensor, index: Tensor): Tensor {
  const values = tf.gatherND(tf.reshape(u, [u.size]), tf.reshape(index, [index.size, 1]));
  return tf.reshape(values, [...node.shape]);
}

/** Adds g into zeros at flat indices. */
export function scattered(tf: Tfjs, node: Node<'poolScatter'>, g: Tensor, index: Tensor): Tensor {
  const size = node.shape.reduce((product, axis) => product * axis, 1);
  const sums = tf.scatterND(tf.reshape(index, [index.size, 1]), tf.reshape(g, [g.size]), [size]);
  return tf.reshape(sums, [...node.shape]);
}

/** How many places of an h × w plane each window covers, [1, 1, h', w']. */
const covered = (tf: Tfjs, h: number, w: number, windows: Windows): Tensor =>
  tf.sum(patches(tf, tf.ones([1, 1, h, w]), windows), taps);

/** The mean under each window; what lies outside x is not counted. */
export function averagePooled(tf: Tfjs, node: Node<'averagePool'>, x: Tensor): Tensor {
  const windows = windowsOf(node.attributes);
  const total = tf.sum(patches(tf, x, windows), taps);
  return tf.div(total, covered(tf, x.shape[2]!, x.shape[3]!, windows));
}

/** The transpose of `averagePooled`, of an output's cotangent g. */
export function averagePoolGradient(tf: Tfjs, node: Node<'averagePoolGradient'>, g: Tensor): Tensor {
  const windows = windowsOf(node.attributes);
  const share = tf.div(g, covered(tf, ...node.attributes.inputSize, windows));
  return unpatches(tf, () => share, windows, node.attributes.inputSize);
}
