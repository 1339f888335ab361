import { constantMatrix } from './constant-matrices.ts';
import { add, averagePool, broadcast, matmul, maxPool, reshape } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { windowOutput } from '../graph/shapes.ts';

/** 3x3 pooling of channel-major planes [c, images · h·w] -> [c, images · h'·w'] (padding is not counted). */
export function pool3(kind: 'max' | 'average', x: Tensor, side: number, stride: 1 | 2): Tensor {
  const [c, columns] = x.shape as [number, number];
  const planes = reshape(x, [c, columns / side ** 2, side, side]);
  const pooled = (kind === 'max' ? maxPool : averagePool)(planes, { kernel: 3, stride, padding: 1 });
  const out = pooled.shape[2]!;
  return reshape(pooled, [c, (columns / side ** 2) * out ** 2]);
}

/** Every second row and column of channel-major planes: [c, images · h·w] -> [c, images · h'·w']. */
export function subsample(x: Tensor, side: number): Tensor {
  const [c, columns] = x.shape as [number, number];
  const out = windowOutput(side, 1, 2, 0);
  const picks = constantMatrix(`subsample ${side}`, () => {
    const matrix = new Float64Array(side ** 2 * out ** 2);
    for (let to = 0; to < out ** 2; to++)
      matrix[(Math.floor(to / out) * side + (to % out)) * 2 * out ** 2 + to] = 1;
    return matrix;
  });
  const images = columns / side ** 2;
  const product = matmul(reshape(x, [c * images, side ** 2]), x.graph.constant(picks, [side ** 2, out ** 2]));
  return reshape(product, [c, images * out ** 2]);
}

/** x [n, i] times W [i, o] plus b [1, o]. */
export function dense(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const y = matmul(x, weight);
  return add(y, broadcast(bias, y.shape));
}
