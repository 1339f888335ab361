import { sourcesOf, targetsOf } from './genotype.ts';
import {
  add,
  broadcast,
  concat,
  matmul,
  multiply,
  relu,
  reshape,
  slice,
  sum,
  transpose,
} from './graph/operations.ts';
import type { Tensor } from './graph/primitives.ts';
import { depthwise, outputSide, pool3, subsample } from './layers.ts';
import type { CellContext } from './cell.ts';
import { mixName } from './cell.ts';
import { depthwiseKinds, strideOf } from './parameters.ts';

/** Architecture weights are fed per source as [edges, 7]: max, average, skip, then the four convolutions. */
export const sharedOperations = 3;
export const convolutionOperations = depthwiseKinds.length;

/**
 * A cell of the relaxed one-shot model (DARTS): every intermediate node is the sum over all earlier nodes of the
 * α-weighted candidate operations. All edges that leave one node are computed together, since they share its ReLU,
 * pools and skip, and their convolutions batch into few products.
 * @returns the concatenated intermediate nodes, channel-major [nodes · c, images · h'·w']
 */
export function supernetCell(context: CellContext, inputs: readonly [Tensor, Tensor], side: number): Tensor {
  const { nodes, cell } = context;
  const known: Tensor[] = [...inputs];
  const sums: (Tensor | undefined)[] = new Array<Tensor | undefined>(nodes).fill(undefined);
  for (const source of sourcesOf(nodes)) {
    const stride = strideOf(cell, source);
    const at = cell === 'reduction' && stride === 1 ? Math.ceil(side / 2) : side;
    const contributions = edgesFrom(context, known[source]!, source, at, stride);
    targetsOf(source, nodes).forEach((target, e) => {
      const part = reshape(slice(contributions, 0, e, 1), contributions.shape.slice(1));
      const sofar = sums[target];
      sums[target] = sofar ? add(sofar, part) : part;
    });
    // Sources 0 and 1 are the cell's inputs: intermediate node s - 1 has got all of its own once source s is done.
    if (source >= 1) known.push(sums[source - 1]!);
  }
  return concat(known.slice(2), 0);
}

/** The weighted operations of all edges out of `source`: [edges, c, images · h'·w']. */
function edgesFrom(context: CellContext, h: Tensor, source: number, side: number, stride: 1 | 2): Tensor {
  const { cell, nodes, images, weights } = context;
  const c = h.shape[0]!;
  const edges = targetsOf(source, nodes).length;
  const mix = weights(mixName(cell, source));
  const plane = outputSide({ side, kernel: 3, stride, dilation: 1 }) ** 2;
  const columns = images * plane;
  const shared = sharedPart(context, h, source, side, stride, mix);
  const convolved = convolutions(context, relu(h), source, side, stride); // [4, edges, c·columns]
  const factors = transpose(slice(mix, 1, sharedOperations, convolutionOperations), [1, 0]); // [4, edges]
  const weighted = multiply(
    convolved,
    broadcast(reshape(factors, [convolutionOperations, edges, 1]), convolved.shape),
  );
  return reshape(add(reshape(sum(weighted, [0]), [edges, c * columns]), shared), [edges, c, columns]);
}

/** Pools and skip, which have no weights of their own on stride-1 edges and are shared: [edges, c · columns]. */
function sharedPart(
  { cell, normalizer, weights }: CellContext,
  h: Tensor,
  source: number,
  side: number,
  stride: 1 | 2,
  mix: Tensor,
): Tensor {
  const name = `${cell}.${source}`;
  const flat = (x: Tensor): Tensor => reshape(x, [1, x.shape[0]! * x.shape[1]!]);
  const pools = (['max', 'average'] as const).map((kind) =>
    flat(normalizer.apply(pool3(kind, h, side, stride), `${name}.${kind}`)),
  );
  if (stride === 1) return matmul(slice(mix, 1, 0, 3), concat([...pools, flat(h)], 0));
  const edges = mix.shape[0]!;
  const x = subsample(relu(h), side);
  const skip = matmul(weights(`${name}.skip`), broadcast(reshape(x, [1, ...x.shape]), [edges, ...x.shape]));
  const normalized = normalizer.apply(skip, `${name}.skip`);
  const flatSkip = reshape(normalized, [edges, x.shape[0]! * x.shape[1]!]);
  const weighted = multiply(flatSkip, broadcast(slice(mix, 1, 2, 1), flatSkip.shape));
  return add(matmul(slice(mix, 1, 0, 2), concat(pools, 0)), weighted);
}

/** The four separable and dilated convolutions of every edge: [4, edges, c · columns]. */
function convolutions(
  { cell, images, normalizer, weights }: CellContext,
  r: Tensor,
  source: number,
  side: number,
  stride: 1 | 2,
): Tensor {
  const name = `${cell}.${source}`;
  const c = r.shape[0]!;
  const planes = reshape(r, [1, c, images, side * side]);
  const first = depthwiseKinds.map(({ name: kind, kernel, dilation }) =>
    depthwise(planes, weights(`${name}.${kind}.first`), { side, kernel, stride, dilation }),
  );
  const edges = first[0]!.shape[0]!;
  const plane = first[0]!.shape[3]!;
  const out = Math.round(Math.sqrt(plane));
  const columns = images * plane;
  const pointwise = (x: Tensor, weight: Tensor): Tensor =>
    matmul(reshape(weight, [x.shape[0]!, c, c]), reshape(x, [x.shape[0]!, c, columns]));
  const once = normalizer.apply(
    pointwise(concat(first, 0), weights(`${name}.pointwise.first`)),
    `${name}.first`,
  ); // [4e, c, columns]
  const separable = relu(slice(once, 0, 0, 2 * edges));
  const second = depthwiseKinds.slice(0, 2).map(({ name: kind, kernel }, i) => {
    const x = reshape(slice(separable, 0, i * edges, edges), [edges, c, images, plane]);
    return depthwise(x, weights(`${name}.${kind}.second`), { side: out, kernel, stride: 1, dilation: 1 });
  });
  const twice = normalizer.apply(
    pointwise(concat(second, 0), weights(`${name}.pointwise.second`)),
    `${name}.second`,
  );
  const all = concat([twice, slice(once, 0, 2 * edges, 2 * edges)], 0);
  return reshape(all, [4, edges, c * columns]);
}
