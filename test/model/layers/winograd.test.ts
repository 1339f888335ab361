import { describe, expect, it } from 'vitest';
import { Graph } from '../../../model/graph/graph.ts';
import { conv, reshape, transpose } from '../../../model/graph/operations.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { convolveTiles } from '../../../model/layers/winograd.ts';
import { checkGradients, randomPoint, randomSum } from '../../support/check-gradients.ts';

const [c, o, h, w, n] = [2, 3, 4, 6, 2] as const;

function graph() {
  const g = new Graph();
  const x = g.input('x', [c, h, w, n]);
  const kernel = g.input('kernel', [o, c, 3, 3]);
  return { x, kernel, tiled: convolveTiles(x, kernel) };
}

describe('convolveTiles', () => {
  it('is the plain 3x3 convolution, its columns ordered by tile position', () => {
    const { x, kernel, tiled } = graph();
    const plain = conv(transpose(x, [3, 0, 1, 2]), kernel, { padding: 1 }); // [n, o, h, w]
    const byPosition = transpose(reshape(plain, [n, o, h / 2, 2, w / 2, 2]), [1, 3, 5, 2, 4, 0]);
    const point = randomPoint([tiled], 3);
    const [actual, expected] = evaluate([tiled, byPosition], point);
    expect(actual).toHaveLength(o * h * w * n);
    actual!.forEach((value, i) => expect(value).toBeCloseTo(expected![i]!, 10));
  });

  it('has the gradients of order 1 and 2 of central differences in float64', () => {
    const { tiled } = graph();
    const loss = randomSum(tiled, 1);
    for (const { order, relative } of checkGradients(loss, randomPoint([loss], 4))) {
      expect(relative, `order ${order}`).toBeLessThan(1e-6);
    }
  });
});
