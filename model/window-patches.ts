import { add, concat, pad, relu, reshape, slice, subtract, transpose } from './graph/operations.ts';
import type { Tensor } from './graph/primitives.ts';
import type { ImageOrder } from './normalizer.ts';

/**
 * 3x3 patches of images [n, c, s, s], zero-padded: [c · 9, 4 · n · (s/2)²]. Columns are ordered by the position in their
 * 2x2 pooling window first, so that pooling takes the maximum of four contiguous quarters (`windowMaximum`), then by
 * `order`. The side s must be even.
 */
export function windowPatches(images: Tensor, order: ImageOrder): Tensor {
  const [n, c, side] = images.shape as [number, number, number];
  const half = side / 2;
  const padded = pad(pad(images, 2, 1, 1), 3, 1, 1);
  const [permutation, row] = order === 'images-last' ? [[3, 5, 1, 2, 4, 0], 3] : [[3, 5, 1, 0, 2, 4], 4];
  const phases = transpose(reshape(padded, [n, c, half + 1, 2, half + 1, 2]), permutation); // [2, 2, c, ...]
  const at = (y: number, x: number): Tensor => {
    const phase = slice(slice(phases, 0, y % 2, 1), 1, x % 2, 1);
    const shifted = slice(slice(phase, row, Math.floor(y / 2), half), row + 1, Math.floor(x / 2), half);
    return reshape(shifted, [c, 1, half * half * n]);
  };
  const positions = [0, 1, 2, 3];
  const taps = Array.from({ length: 9 }, (_, tap) =>
    positions.map((position) =>
      at(Math.floor(tap / 3) + Math.floor(position / 2), (tap % 3) + (position % 2)),
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
