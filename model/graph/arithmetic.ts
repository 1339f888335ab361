import { topological } from './graph.ts';
import type { Tensor } from './primitives.ts';
import { sizeOf } from './shapes.ts';

/**
 * Multiply-adds of the convolutions, their gradients, the matrix products and the inverses that the roots are computed
 * by, each node once.
 */
export function multiplyAddsOf(roots: readonly Tensor[]): number {
  return topological(roots).reduce((total, node) => total + ownMultiplyAdds(node), 0);
}

function ownMultiplyAdds(node: Tensor): number {
  const { inputs, shape, primitive } = node;
  if (primitive === 'matmul') {
    const { transposeA } = (node as Tensor<'matmul'>).attributes;
    return sizeOf(shape) * inputs[0]!.shape.at(transposeA ? -2 : -1)!;
  }
  // by elimination: n steps over n × n elements
  if (primitive === 'inverse') return sizeOf(shape) * shape.at(-1)!;
  // every element of the output's plane by a kernel of every channel of the group, in whatever direction
  if (primitive === 'conv') return sizeOf(shape) * sizeOf(inputs[1]!.shape.slice(1));
  if (primitive === 'convInputGradient') return sizeOf(inputs[0]!.shape) * sizeOf(inputs[1]!.shape.slice(1));
  if (primitive === 'convFilterGradient') return sizeOf(inputs[1]!.shape) * sizeOf(shape.slice(1));
  return 0;
}
