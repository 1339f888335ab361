import type { Graph } from '../../model/graph/graph.ts';
import * as op from '../../model/graph/operations.ts';
import type { Primitive, Tensor } from '../../model/graph/primitives.ts';

type Sample = (g: Graph) => readonly Tensor[];

const positive = (x: Tensor): Tensor => op.add(op.multiply(x, x), 0.5);

/** x xᵀ + 2 I of the last two axes: symmetric and positive definite. */
function definite(x: Tensor): Tensor {
  const n = x.shape.at(-2)!;
  const shape = [...x.shape.slice(0, -1), n];
  const identity = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 2 : 0));
  const diagonal = op.reshape(x.graph.constant(identity, [n, n]), [...shape.slice(0, -2).map(() => 1), n, n]);
  return op.add(op.matmul(x, x, false, true), op.broadcast(diagonal, shape));
}

const geometry = { stride: 1, padding: 1, dilation: 1, groups: 1 };
const strided = { stride: 2, padding: 1, dilation: 1, groups: 1 };
const dilated = { stride: 2, padding: 4, dilation: 2, groups: 2 };
const pooling = { kernel: 3, stride: 2, padding: 1 };

/** For every primitive, expressions that use it in all its variants. */
export const samples: { readonly [P in Primitive]: Sample } = {
  input: (g) => [g.input('x', [2, 3])],
  constant: (g) => [op.add(g.input('x', [2, 3]), g.constant([1, 2, 3, 4, 5, 6], [2, 3]))],
  negate: (g) => [op.negate(op.exp(g.input('x', [2, 3])))],
  exp: (g) => [op.exp(g.input('x', [2, 3]))],
  log: (g) => [op.log(positive(g.input('x', [2, 3])))],
  sqrt: (g) => [op.sqrt(positive(g.input('x', [2, 3])))],
  sigmoid: (g) => [op.sigmoid(g.input('x', [2, 3]))],
  tanh: (g) => [op.tanh(g.input('x', [2, 3]))],
  relu: (g) => [op.multiply(op.relu(g.input('x', [4, 5])), g.input('y', [4, 5]))],
  step: (g) => [op.multiply(op.step(g.input('x', [4, 5])), g.input('y', [4, 5]))],
  // of a function whose derivative is zero anyway, so that differences agree; see the test of its own below
  stop: (g) => [op.multiply(op.stop(op.step(g.input('x', [4, 5]))), g.input('y', [4, 5]))],
  add: (g) => [op.add(g.input('x', [2, 3]), op.broadcast(g.input('y', [2, 1]), [2, 3]))],
  subtract: (g) => [
    op.subtract(op.broadcast(g.input('x', [1, 3]), [2, 3]), op.broadcast(g.input('y', [2, 1]), [2, 3])),
  ],
  multiply: (g) => [op.multiply(g.input('x', [2, 3]), op.exp(op.broadcast(g.input('y', [2, 1]), [2, 3])))],
  divide: (g) => [op.divide(g.input('x', [2, 3]), positive(g.input('y', [2, 3])))],
  sum: (g) => [op.exp(op.sum(g.input('x', [2, 3, 4]), [0, 2])), op.sum(op.exp(g.input('x', [2, 3, 4])))],
  broadcast: (g) => [op.broadcast(op.exp(g.input('x', [2, 1, 3])), [2, 4, 3])],
  reshape: (g) => [op.exp(op.reshape(op.exp(g.input('x', [2, 6])), [3, 4]))],
  transpose: (g) => [op.exp(op.transpose(op.exp(g.input('x', [2, 3, 4])), [2, 0, 1]))],
  concat: (g) => [op.exp(op.concat([g.input('x', [2, 3]), g.input('y', [2, 2])], 1))],
  slice: (g) => [
    op.exp(op.slice(g.input('x', [4, 5]), 1, 1, 3)),
    op.slice(op.exp(g.input('x', [4, 5])), 0, 3, 1),
  ],
  mirror: (g) => [
    op.multiply(op.mirror(op.exp(g.input('x', [2, 3, 4])), 1), g.input('y', [2, 3, 4])),
    op.exp(op.mirror(g.input('u', [3, 2]), 0)),
    op.multiply(op.exp(op.mirror(g.input('v', [2, 5]), 1)), g.input('v', [2, 5])),
  ],
  pad: (g) => [
    op.multiply(op.pad(g.input('x', [2, 3]), 1, 1, 2), op.exp(op.pad(g.input('x', [2, 3]), 1, 2, 1))),
  ],
  matmul: (g) => [
    ...[false, true].flatMap((a) =>
      [false, true].map((b) => {
        const [x, y] = [
          g.input(`x${a}`, a ? [2, 4, 3] : [2, 3, 4]),
          g.input(`y${b}`, b ? [2, 5, 4] : [2, 4, 5]),
        ];
        return op.matmul(op.tanh(x), y, a, b);
      }),
    ),
    // batch axes that are broadcast: all, the first of two, the second of two
    ...[
      [1, 1],
      [1, 2],
      [3, 1],
    ].map(([i, j]) =>
      op.matmul(op.broadcast(g.input(`p${i}${j}`, [i!, j!, 3, 4]), [3, 2, 3, 4]), g.input('q', [3, 2, 4, 2])),
    ),
  ],
  inverse: (g) => [
    op.inverse(definite(g.input('x', [4, 6]))),
    // batch axes
    op.exp(op.inverse(definite(g.input('y', [2, 3, 2, 3])))),
  ],
  conv: (g) => [
    op.conv(g.input('x', [2, 4, 7, 6]), g.input('w', [6, 4, 3, 3]), geometry),
    op.conv(g.input('x', [2, 4, 7, 6]), g.input('v', [4, 2, 5, 5]), dilated),
    op.conv(g.input('x', [2, 4, 7, 6]), g.input('w', [6, 4, 3, 3]), strided),
  ],
  convInputGradient: (g) => [
    op.convInputGradient(g.input('g', [2, 6, 7, 6]), g.input('w', [6, 4, 3, 3]), geometry, [7, 6]),
    op.convInputGradient(g.input('h', [2, 4, 4, 3]), g.input('v', [4, 2, 5, 5]), dilated, [7, 6]),
    op.convInputGradient(g.input('k', [2, 6, 4, 3]), g.input('w', [6, 4, 3, 3]), strided, [7, 6]),
  ],
  convFilterGradient: (g) => [
    op.convFilterGradient(g.input('x', [2, 4, 7, 6]), g.input('g', [2, 6, 7, 6]), geometry, [3, 3]),
    op.convFilterGradient(g.input('x', [2, 4, 7, 6]), g.input('h', [2, 4, 4, 3]), dilated, [5, 5]),
    op.convFilterGradient(g.input('x', [2, 4, 7, 6]), g.input('k', [2, 6, 4, 3]), strided, [3, 3]),
    // enough pixels to be lowered to one product a tap
    op.convFilterGradient(g.input('large', [2, 2, 17, 17]), g.input('l', [2, 3, 17, 17]), geometry, [3, 3]),
    op.convFilterGradient(
      g.input('large', [2, 2, 17, 17]),
      g.input('m', [2, 3, 16, 16]),
      { ...geometry, padding: 0 },
      [2, 2],
    ),
  ],
  maxPool: (g) => [
    op.maxPool(g.input('x', [2, 3, 7, 6]), pooling),
    op.multiply(
      op.maxPool(g.input('x', [2, 3, 7, 6]), { kernel: 2, stride: 2, padding: 0 }),
      g.input('y', [2, 3, 3, 3]),
    ),
  ],
  maxPoolIndex: (g) => [
    op.poolGather(op.exp(g.input('u', [2, 3, 7, 6])), op.maxPoolIndex(g.input('x', [2, 3, 7, 6]), pooling)),
  ],
  poolGather: (g) => [
    op.poolGather(op.exp(g.input('u', [2, 3, 7, 6])), op.maxPoolIndex(g.input('x', [2, 3, 7, 6]), pooling)),
  ],
  poolScatter: (g) => [
    op.poolScatter(
      op.exp(g.input('u', [2, 3, 4, 3])),
      op.maxPoolIndex(g.input('x', [2, 3, 7, 6]), pooling),
      [7, 6],
    ),
  ],
  averagePool: (g) => [op.exp(op.averagePool(g.input('x', [2, 3, 7, 6]), pooling))],
  averagePoolGradient: (g) => [op.exp(op.averagePoolGradient(g.input('x', [2, 3, 4, 3]), pooling, [7, 6]))],
  normalize: (g) => [op.normalize(g.input('x', [3, 8]), 1e-3)],
  inverseDeviation: (g) => [
    op.multiply(
      op.broadcast(op.inverseDeviation(g.input('x', [3, 8]), 1e-3), [3, 8]),
      op.normalize(g.input('x', [3, 8]), 1e-3),
    ),
  ],
  logSoftmax: (g) => [op.logSoftmax(g.input('x', [3, 5]))],
};
