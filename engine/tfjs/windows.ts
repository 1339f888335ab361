import type { Tensor } from '@tensorflow/tfjs-core';
import type { Convolution } from '../../model/graph/primitives.ts';
import { windowOutput } from '../../model/graph/shapes.ts';
import type { Tfjs } from './backend.ts';

/** How windows lie over planes: kernel rows and columns, and what both axes share. */
export interface Windows extends Pick<Convolution, 'stride' | 'padding' | 'dilation'> {
  readonly kernel: readonly [number, number];
}

type Size = readonly [number, number];

/** The offset of every tap of a window in the padded plane, row by row. */
const tapsOf = ({ kernel: [kh, kw], dilation }: Windows): Size[] =>
  Array.from({ length: kh * kw }, (_, tap) => [Math.floor(tap / kw) * dilation, (tap % kw) * dilation]);

const outputSize = ([h, w]: Size, { kernel: [kh, kw], stride, padding, dilation }: Windows): Size => [
  windowOutput(h, kh, stride, padding, dilation),
  windowOutput(w, kw, stride, padding, dilation),
];

/** x [n, c, h, w] as each tap of each window sees it, [n, c, taps, h', w']; what lies outside x is `outside`. */
export function patches(tf: Tfjs, x: Tensor, windows: Windows, outside = 0): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const { padding, stride } = windows;
  const [oh, ow] = outputSize([h, w], windows);
  const around: [number, number] = [padding, padding];
  const padded = tf.pad(x, [[0, 0], [0, 0], around, around], outside);
  const seen = tapsOf(windows).map(([row, column]) => {
    const end = [n, c, row + (oh - 1) * stride + 1, column + (ow - 1) * stride + 1];
    return tf.stridedSlice(padded, [0, 0, row, column], end, [1, 1, stride, stride]);
  });
  return tf.stack(seen, 2);
}

/** The transpose of `patches`: the sum of what every tap (`tapOf`, [n, c, h', w']) adds to planes of `size`. */
export function unpatches(tf: Tfjs, tapOf: (tap: number) => Tensor, windows: Windows, [h, w]: Size): Tensor {
  const { padding, stride } = windows;
  const [oh, ow] = outputSize([h, w], windows);
  // taps with zeros between them end up to stride - 1 after the padded plane
  const [height, width] = [h + 2 * padding + stride - 1, w + 2 * padding + stride - 1];
  const placed = tapsOf(windows).map(([row, column], tap) => {
    const spread = spreadOut(tf, tapOf(tap), stride);
    const rows: [number, number] = [row, height - row - oh * stride];
    const columns: [number, number] = [column, width - column - ow * stride];
    return tf.pad(spread, [[0, 0], [0, 0], rows, columns]);
  });
  const [n, c] = placed[0]!.shape as [number, number];
  return tf.slice(tf.addN(placed), [0, 0, padding, padding], [n, c, h, w]);
}

/** stride - 1 zeros after every row and column: [n, c, h, w] -> [n, c, h stride, w stride]. */
function spreadOut(tf: Tfjs, x: Tensor, stride: number): Tensor {
  if (stride === 1) return x;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const after: [number, number] = [0, stride - 1];
  const spread = tf.pad(tf.reshape(x, [n * c, h, 1, w, 1]), [[0, 0], [0, 0], after, [0, 0], after]);
  return tf.reshape(spread, [n, c, h * stride, w * stride]);
}
