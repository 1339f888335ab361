import { add, concat, pad, relu, reshape, slice, subtract, transpose } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { ImageOrder } from './normalizer.ts';

/**
 * The 3x3 patches of a convolution of images [n, c, s, s], zero-padded by one, at every `stride`-th pixel:
 * [c · 9, 4 · n · p²] with p = s / 2·stride, which must be whole. Columns are ordered by the position in their 2x2 pooling
 * window first, so that pooling takes the maximum of four contiguous quarters (`windowMaximum`), then by `order`.
 */
export function windowPatches(images: Tensor, order: ImageOrder, stride: number): Tensor {
  const [n, c, side] = images.shape as [number, number, number];
  const window = 2 * stride; // pixels from one pooling window to the next
  const half = side / window;
  const padded = [2, 3].reduce((x, axis) => pad(x, axis, 1, window - 1), images);
  const [permutation, row] = order === 'images-last' ? [[3, 5, 1, 2, 4, 0], 3] : [[3, 5, 1, 0, 2, 4], 4];
  const phases = transpose(reshape(padded, [n, c, half + 1, window, half + 1, window]), permutation); // [window, window, c, ...]
  const at = (y: number, x: number): Tensor => {
    const phase = slice(slice(phases, 0, y % window, 1), 1, x % window, 1);
    const shifted = slice(
      slice(phase, row, Math.floor(y / window), half),
      row + 1,
      Math.floor(x / window),
      half,
    );
    return reshape(shifted, [c, 1, half * half * n]);
  };
  const positions = [0, 1, 2, 3];
  const taps = Array.from({ length: 9 }, (_, tap) =>
    positions.map((position) =>
      at(Math.floor(tap / 3) + stride * Math.floor(position / 2), (tap % 3) + stride * (position % 2)),
    ),
  );
  return reshape(concat(taps.flat(), 1), [c * 9, 4 * half * half * n]);
}

/** Maximum over the four quarters of rows [c, 4q] -> [c, q]; of equal values the first one gets the gradient. */
export function windowMaximum(rows: Tensor): Tensor {
  const halves = (x: Tensor): Tensor => {
    const length = x.shape[1]! / 2;
    const first = slice(x, 1, 0, length);
    return add(first, relu(subtract(slice(x, 1, length, length), first)));
  };
  return halves(halves(rows));
}
