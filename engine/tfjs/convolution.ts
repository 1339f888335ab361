import type { Tensor } from '@tensorflow/tfjs-core';
import type { Convolution, Tensor as Node } from '../../model/graph/primitives.ts';
import type { Tfjs } from './backend.ts';
import { patches, unpatches } from './windows.ts';

/*
 * tfjs's own convolutions have channels last, no groups, no stride together with dilation, and no gradients for some
 * of these. As products over patches all of it is plain, and the three functions are each other's transposes by sight.
 */

type Planes = readonly [number, number, number, number];

/** [n, c, ...] with the channels of each group together: [n, groups, c / groups · ..., last]. */
function grouped(tf: Tfjs, x: Tensor, groups: number, pixels: number): Tensor {
  const n = x.shape[0];
  return tf.reshape(x, [n, groups, x.size / (n * groups * pixels), pixels]);
}

const pixelsOf = ({ shape }: Node): number => shape[2]! * shape[3]!;

/** The filters [o, c/groups, kh, kw] of each group as a matrix: [1, groups, o/groups, c/groups · kh · kw]. */
function filterMatrices(tf: Tfjs, w: Tensor, groups: number): Tensor {
  const o = w.shape[0];
  return tf.reshape(w, [1, groups, o / groups, w.size / o]);
}

const windowsOf = ({ stride, padding, dilation }: Convolution, [, , kh, kw]: Planes) =>
  ({ stride, padding, dilation, kernel: [kh, kw] }) as const;

/** x [n, c, h, w] * w [o, c/groups, kh, kw]. */
export function convolution(tf: Tfjs, node: Node<'conv'>, x: Tensor, w: Tensor): Tensor {
  const { groups } = node.attributes;
  const seen = patches(tf, x, windowsOf(node.attributes, w.shape as unknown as Planes));
  const product = tf.matMul(filterMatrices(tf, w, groups), grouped(tf, seen, groups, pixelsOf(node)));
  return tf.reshape(product, [...node.shape]);
}

/** The transpose of `convolution` in x, of an output's cotangent g. */
export function convolutionInputGradient(
  tf: Tfjs,
  node: Node<'convInputGradient'>,
  g: Tensor,
  w: Tensor,
): Tensor {
  const { groups, inputSize } = node.attributes;
  const [n, , oh, ow] = g.shape as unknown as Planes;
  const windows = windowsOf(node.attributes, w.shape as unknown as Planes);
  const taps = windows.kernel[0] * windows.kernel[1];
  const columns = tf.matMul(filterMatrices(tf, w, groups), grouped(tf, g, groups, oh * ow), true);
  const seen = tf.reshape(columns, [n, node.shape[1]!, taps, oh, ow]);
  const tapOf = (tap: number): Tensor =>
    tf.reshape(tf.slice(seen, [0, 0, tap, 0, 0], [-1, -1, 1, -1, -1]), [n, node.shape[1]!, oh, ow]);
  return unpatches(tf, tapOf, windows, inputSize);
}

/** The transpose of `convolution` in w, of an output's cotangent g. */
export function convolutionFilterGradient(
  tf: Tfjs,
  node: Node<'convFilterGradient'>,
  x: Tensor,
  g: Tensor,
): Tensor {
  const { groups } = node.attributes;
  const pixels = g.shape[2]! * g.shape[3]!;
  const seen = patches(tf, x, windowsOf(node.attributes, node.shape as unknown as Planes));
  const products = tf.matMul(grouped(tf, g, groups, pixels), grouped(tf, seen, groups, pixels), false, true);
  return tf.reshape(tf.sum(products, 0), [...node.shape]);
}
