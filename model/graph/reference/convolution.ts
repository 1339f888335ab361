import type { Convolution, Tensor } from '../primitives.ts';
import { sizeOf } from '../shapes.ts';
import type { Shape } from '../shapes.ts';

/** Calls `visit` with flat offsets into x, w and y for every multiply-add of y = conv(x, w). */
function taps(
  [x, w, y]: readonly [Shape, Shape, Shape],
  { stride, padding, dilation, groups }: Convolution,
  visit: (atX: number, atW: number, atY: number) => void,
): void {
  const [, c, h, width] = x as [number, number, number, number];
  const [, perGroup, kh, kw] = w as [number, number, number, number];
  const [n, o, oh, ow] = y as [number, number, number, number];
  for (let i = 0; i < n * o * oh * ow; i++) {
    const [column, row] = [i % ow, Math.floor(i / ow) % oh];
    const [out, image] = [Math.floor(i / (ow * oh)) % o, Math.floor(i / (ow * oh * o))];
    const firstChannel = Math.floor(out / (o / groups)) * perGroup;
    for (let tap = 0; tap < perGroup * kh * kw; tap++) {
      const [kx, ky, channel] = [tap % kw, Math.floor(tap / kw) % kh, Math.floor(tap / (kw * kh))];
      const atRow = row * stride - padding + ky * dilation;
      const atColumn = column * stride - padding + kx * dilation;
      if (atRow < 0 || atRow >= h || atColumn < 0 || atColumn >= width) continue;
      visit(
        ((image * c + firstChannel + channel) * h + atRow) * width + atColumn,
        out * perGroup * kh * kw + tap,
        i,
      );
    }
  }
}

/** y = conv(x, w). */
export function convolution(node: Tensor<'conv'>, x: Float64Array, w: Float64Array): Float64Array {
  const result = new Float64Array(sizeOf(node.shape));
  const shapes = [node.inputs[0]!.shape, node.inputs[1]!.shape, node.shape] as const;
  taps(shapes, node.attributes, (atX, atW, atY) => (result[atY]! += x[atX]! * w[atW]!));
  return result;
}

/** The transpose of `convolution` in x, of an output's cotangent g. */
export function convolutionInputGradient(
  node: Tensor<'convInputGradient'>,
  g: Float64Array,
  w: Float64Array,
): Float64Array {
  const result = new Float64Array(sizeOf(node.shape));
  const shapes = [node.shape, node.inputs[1]!.shape, node.inputs[0]!.shape] as const;
  taps(shapes, node.attributes, (atX, atW, atY) => (result[atX]! += g[atY]! * w[atW]!));
  return result;
}

/** The transpose of `convolution` in w, of an output's cotangent g. */
export function convolutionFilterGradient(
  node: Tensor<'convFilterGradient'>,
  x: Float64Array,
  g: Float64Array,
): Float64Array {
  const result = new Float64Array(sizeOf(node.shape));
  const shapes = [node.inputs[0]!.shape, node.shape, node.inputs[1]!.shape] as const;
  taps(shapes, node.attributes, (atX, atW, atY) => (result[atW]! += x[atX]! * g[atY]!));
  return result;
}
