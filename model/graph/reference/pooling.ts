import type { Pooling, Tensor } from '../primitives.ts';
import { sizeOf } from '../shapes.ts';
import type { Shape } from '../shapes.ts';

/** Calls `visit` with the flat offsets into x that the window of each output element covers. */
function windows(
  x: Shape,
  y: Shape,
  { kernel, stride, padding }: Pooling,
  visit: (atY: number, atX: number[]) => void,
): void {
  const [h, w] = x.slice(-2) as [number, number];
  const [oh, ow] = y.slice(-2) as [number, number];
  for (let i = 0; i < sizeOf(y); i++) {
    const [column, row, plane] = [i % ow, Math.floor(i / ow) % oh, Math.floor(i / (ow * oh))];
    const covered: number[] = [];
    for (let tap = 0; tap < kernel * kernel; tap++) {
      const atRow = row * stride - padding + Math.floor(tap / kernel);
      const atColumn = column * stride - padding + (tap % kernel);
      if (atRow < 0 || atRow >= h || atColumn < 0 || atColumn >= w) continue;
      covered.push((plane * h + atRow) * w + atColumn);
    }
    visit(i, covered);
  }
}

/** The maximum under each window and its flat offset in x: the first one of equal values. */
export function maxPooled(
  node: Tensor<'maxPool' | 'maxPoolIndex'>,
  x: Float64Array,
): { values: Float64Array; indices: Float64Array } {
  const values = new Float64Array(sizeOf(node.shape));
  const indices = new Float64Array(sizeOf(node.shape));
  windows(node.inputs[0]!.shape, node.shape, node.attributes, (i, covered) => {
    const best = covered.reduce((top, at) => (x[at]! > x[top]! ? at : top), covered[0]!);
    indices[i] = best;
    values[i] = x[best]!;
  });
  return { values, indices };
}

/** The mean under each window; what lies outside x is not counted. */
export function averagePooled(node: Tensor<'averagePool'>, x: Float64Array): Float64Array {
  const result = new Float64Array(sizeOf(node.shape));
  windows(node.inputs[0]!.shape, node.shape, node.attributes, (i, covered) => {
    result[i] = covered.reduce((total, at) => total + x[at]!, 0) / covered.length;
  });
  return result;
}

/** The transpose of `averagePooled`, of an output's cotangent g. */
export function averagePoolGradient(node: Tensor<'averagePoolGradient'>, g: Float64Array): Float64Array {
  const result = new Float64Array(sizeOf(node.shape));
  windows(node.shape, node.inputs[0]!.shape, node.attributes, (i, covered) => {
    for (const at of covered) result[at]! += g[i]! / covered.length;
  });
  return result;
}
