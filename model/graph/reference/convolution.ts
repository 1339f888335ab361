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
  let atY = 0;
  for (let image = 0; image < n; image++) {
    for (let out = 0; out < o; out++) {
      const firstChannel = image * c + Math.floor(out / (o / groups)) * perGroup;
      for (let row = 0; row < oh; row++) {
        for (let column = 0; column < ow; column++, atY++) {
          let atW = out * perGroup * kh * kw;
          for (let channel = firstChannel; channel < firstChannel + perGroup; channel++) {
            for (let ky = 0; ky < kh; ky++) {
              const atRow = row * stride - padding + ky * dilation;
              for (let kx = 0; kx < kw; kx++, atW++) {
                const atColumn = column * stride - padding + kx * dilation;
                if (atRow < 0 || atRow >= h || atColumn < 0 || atColumn >= width) continue;
                visit((channel * h + atRow) * width + atColumn, atW, atY);
              }
            }
          }
        }
      }
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
