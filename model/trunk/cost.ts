import { encodeModel } from '../graph/onnx/encode.ts';
import type { OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';
import { sizeOf } from '../graph/shapes.ts';
import { TrunkError } from './trunk.ts';

export interface ModelCost {
  /** numbers in float initializers; scalars are bounds and factors, not weights */
  readonly weights: number;
  /** of the convolutions and matrix products, for one image */
  readonly multiplyAdds: number;
  /** of the encoded file */
  readonly bytes: number;
}

/**
 * What a trunk or a cut of it costs. A child tells no shapes in its file: its own graph counts it (`multiplyAddsOf`).
 * @throws TrunkError when `value_info` lacks the shape of a convolution or a product
 */
export function costOf(model: OnnxModel): ModelCost {
  const shapes = shapesOf(model);
  return {
    weights: weightsOf(model),
    multiplyAdds: model.nodes.reduce((total, node) => total + multiplyAddsOf(node, shapes), 0),
    bytes: encodeModel(model).length,
  };
}

function weightsOf({ initializers }: OnnxModel): number {
  return initializers
    .filter(({ shape, data }) => shape.length > 0 && !(data instanceof BigInt64Array))
    .reduce((total, { data }) => total + data.length, 0);
}

type Shapes = ReadonlyMap<string, readonly number[]>;

/** Of one image: a named axis is the batch, and counts as 1. */
function shapesOf({ initializers, inputs, outputs, values = [], nodes }: OnnxModel): Shapes {
  const shapes = new Map<string, readonly number[]>(initializers.map(({ name, shape }) => [name, shape]));
  for (const { name, shape } of [...inputs, ...values, ...outputs])
    shapes.set(
      name,
      shape.map((length) => (typeof length === 'string' ? 1 : length)),
    );
  for (const { operator, inputs: read, outputs: made } of nodes) {
    const shape = shapes.get(read[0]!);
    if (operator === 'Cast' && shape) shapes.set(made[0]!, shape);
  }
  return shapes;
}

function multiplyAddsOf(node: OnnxNode, shapes: Shapes): number {
  const [first, second] = node.inputs;
  const size = (): number => sizeOf(shapeOf(node.outputs[0]!, node, shapes));
  switch (node.operator) {
    case 'Conv':
      return size() * sizeOf(shapeOf(second!, node, shapes).slice(1));
    case 'MatMul':
      return size() * shapeOf(first!, node, shapes).at(-1)!;
    case 'Gemm':
      return size() * shapeOf(first!, node, shapes).at(isTransposed(node) ? 0 : -1)!;
    default:
      return 0;
  }
}

function isTransposed({ attributes }: OnnxNode): boolean {
  const transposed = attributes?.['transA'];
  return transposed?.kind === 'int' && transposed.value !== 0;
}

function shapeOf(name: string, node: OnnxNode, shapes: Shapes): readonly number[] {
  const shape = shapes.get(name);
  if (shape) return shape;
  throw new TrunkError(
    `the shape of ${name} is not told (value_info), so multiply-adds of ${node.operator} are unknown`,
  );
}
