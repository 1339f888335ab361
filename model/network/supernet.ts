import { sourcesOf, targetsOf } from '../search-space/genotype.ts';
import { add, broadcast, concat, matmul, relu, reshape, slice, sum, transpose } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { depthwise, outputSide } from '../layers/depthwise.ts';
import { productOf } from '../layers/normalizer.ts';
import { pool3, subsample } from '../layers/primitive-layers.ts';
import type { CellContext } from './cell-context.ts';
import { mixName } from '../search-space/mix-names.ts';
import { depthwiseKinds } from '../search-space/geometry.ts';

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
  const sums: (Tensor | undefined)[] = Array.from({ length: nodes });
  for (const source of sourcesOf(nodes)) {
    const stride = context.stride(source);
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
  const mix = context.weights(mixName(context.cell, source));
  const convolved = convolutions(context, relu(h), source, side, stride, mix);
  const shared = add(convolved, sharedPart(context, h, source, side, stride, mix));
  return stride === 1 ? shared : add(shared, stridedSkip(context, h, source, side, mix));
}

/** Pools, and the skip of stride-1 edges: the same for all edges but for their weights, [edges, c, columns]. */
function sharedPart(
  { cell, normalizer }: CellContext,
  h: Tensor,
  source: number,
  side: number,
  stride: 1 | 2,
  mix: Tensor,
): Tensor {
  const flat = (x: Tensor): Tensor => reshape(x, [1, x.shape[0]! * x.shape[1]!]);
  const pools = (['max', 'average'] as const).map((kind) =>
    normalizer.apply(pool3(kind, h, side, stride), `${cell}.${source}.${kind}`),
  );
  const operations = stride === 1 ? [...pools, h] : pools;
  const product = matmul(slice(mix, 1, 0, operations.length), concat(operations.map(flat), 0));
  return reshape(product, [mix.shape[0]!, ...pools[0]!.shape]);
}

/** The skip of edges that halve the resolution: a normalised pointwise convolution of every second pixel. */
function stridedSkip(
  { cell, normalizer, weights }: CellContext,
  h: Tensor,
  source: number,
  side: number,
  mix: Tensor,
): Tensor {
  const x = subsample(relu(h), side);
  const c = x.shape[0]!;
  const edges = mix.shape[0]!;
  const gain = reshape(broadcast(slice(mix, 1, 2, 1), [edges, c]), [edges * c, 1]);
  const product = productOf(
    normalizer.linear(
      reshape(weights(`${cell}.${source}.skip`), [edges * c, c]),
      x,
      `${cell}.${source}.skip`,
      { gain },
    ),
  );
  return reshape(product, [edges, ...x.shape]);
}

/**
 * The four separable and dilated convolutions of every edge. Their last normalisation and α scale the weights of their
 * pointwise products, whose sum over the kinds is part of the product.
 */
function convolutions(
  { cell, images, normalizer, weights }: CellContext,
  r: Tensor,
  source: number,
  side: number,
  stride: 1 | 2,
  mix: Tensor,
): Tensor {
  const name = `${cell}.${source}`;
  const [edges, c] = [mix.shape[0]!, r.shape[0]!];
  const plane = outputSide({ side, kernel: 3, stride, dilation: 1 }) ** 2;
  const columns = images * plane;
  const kernels = (kinds: readonly (typeof depthwiseKinds)[number][], part: 'first' | 'second') =>
    kinds.map((kind) => ({ ...kind, weights: weights(`${name}.${kind.name}.${part}`) }));
  const byKind = (x: Tensor): Tensor => reshape(x, [edges, 2, c, columns]);
  const pair = (x: Tensor, first: number): Tensor => transpose(slice(x, 0, first, 2), [1, 0, 2, 3]); // [e, 2, ...]
  const gains = reshape(slice(mix, 1, sharedOperations, convolutionOperations), [
    edges,
    convolutionOperations,
    1,
    1,
  ]);
  const planes = reshape(r, [1, c, images, side * side]);
  const [separable, dilated] = [depthwiseKinds.slice(0, 2), depthwiseKinds.slice(2)];
  const first = weights(`${name}.pointwise.first`); // [4, e, c, c]
  const start = byKind(depthwise(planes, kernels(separable, 'first'), { side, stride }));
  const once = relu(normalizer.project(pair(first, 0), start, `${name}.first`));
  const again = depthwise(reshape(once, [edges, 2 * c, images, plane]), kernels(separable, 'second'), {
    side: Math.round(Math.sqrt(plane)),
    stride: 1,
  });
  const weighted = (x: Tensor, pointwise: Tensor, part: string, at: number): Tensor => {
    const gain = slice(gains, 1, at, 2);
    const { weight, centered, shift } = normalizer.linear(pointwise, x, `${name}.${part}`, { gain });
    const beside = reshape(transpose(weight, [0, 2, 1, 3]), [edges, c, 2 * c]); // the kinds side by side
    return productOf({
      weight: beside,
      centered: reshape(centered, [edges, 2 * c, columns]),
      shift: shift && reshape(sum(shift, [1]), [edges, c, 1]),
    });
  };
  const twice = weighted(byKind(again), pair(weights(`${name}.pointwise.second`), 0), 'second', 0);
  const far = byKind(depthwise(planes, kernels(dilated, 'first'), { side, stride }));
  return add(twice, weighted(far, pair(first, 2), 'dilated', 2));
}
