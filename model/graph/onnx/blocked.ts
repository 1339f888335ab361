import type { Tensor } from '../primitives.ts';
import type { Attributes, Emitter } from './emitter.ts';
import { backwards, both, reshaped, spatial, tapsOf } from './nodes.ts';

/**
 * Depthwise convolutions and their derivatives in onnxruntime's own blocked layout (its operator set
 * `com.microsoft.nchwc`, of the CPU provider alone): planes of as many channels as a vector register has numbers stand side by
 * side, so every multiplication is one of vectors. Its optimiser makes such nodes of convolutions whose kernels are constants;
 * those of a graph that trains them are inputs, and a plain convolution unfolds every channel by itself. Kernels and
 * cotangents of a depthwise convolution are planes of channels too, and go into the layout by the same operator.
 */
const domain = 'com.microsoft.nchwc';

/** Channels that are a multiple of this are whole blocks, however large a block is. */
export const wholeBlocks = 16;

type Square = Tensor<'conv' | 'convInputGradient' | 'convFilterGradient'>;

/** Whether a convolution has one kernel for each channel of one image of whole blocks, and the graph may be of the CPU's. */
export const isBlocked = (node: Square, { options }: Emitter): boolean => {
  const [n, c] = node.inputs[0]!.shape as [number, number];
  const kernels = node.primitive === 'convFilterGradient' ? node : node.inputs[1]!;
  const depthwise = node.attributes.groups === c && kernels.shape[0] === c && kernels.shape[1] === 1;
  return options.blocked === true && n === 1 && depthwise && c % wholeBlocks === 0;
};

/** [1, c, h, w] into the layout; once, however many read it. */
const entered = (emitter: Emitter, name: string): string =>
  emitter.emitShared(
    `ReorderInput ${name}`,
    'ReorderInput',
    [name],
    [true],
    { channels_last: 0 },
    domain,
  )[0]!;

const left = (emitter: Emitter, name: string, channels: number): string =>
  emitter.emit('ReorderOutput', [name], { channels, channels_last: 0 }, domain);

interface Geometry {
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly dilation: number;
  /** before both axes */
  readonly before: number;
  /** behind either */
  readonly behind: readonly [number, number];
}

/** Of x [1, c, h, w] with kernels [1 or c, c or 1, k, k], both plain: the plain result. */
function convolved(
  emitter: Emitter,
  x: string,
  kernels: string,
  channels: number,
  geometry: Geometry,
): string {
  const { kernel, stride, dilation, before, behind } = geometry;
  const attributes: Attributes = {
    kernel_shape: kernel,
    strides: both(stride),
    dilations: both(dilation),
    pads: [...both(before), ...behind],
    group: channels,
  };
  const planes = entered(emitter, reshaped(emitter, kernels, [1, channels, ...kernel]));
  const inputs = [entered(emitter, x), reshaped(emitter, planes, [channels, 1, ...kernel])];
  return left(emitter, emitter.emit('Conv', inputs, attributes, domain), channels);
}

/** x [1, c, h, w] * w [c, 1, k, k]. */
export function blockedConvolution({ inputs, attributes }: Tensor<'conv'>, emitter: Emitter): string {
  const [x, w] = inputs as readonly [Tensor, Tensor];
  const { stride, dilation, padding } = attributes;
  const geometry = { kernel: spatial(w), stride, dilation, before: padding, behind: both(padding) };
  return convolved(emitter, emitter.nameOf(x), emitter.nameOf(w), x.shape[1]!, geometry);
}

/** g [1, c, h', w'], w [c, 1, k, k] -> [1, c, h, w]: g, spread by the stride, convolved with the kernels backwards. */
export function blockedInputGradient(node: Tensor<'convInputGradient'>, emitter: Emitter): string {
  const [g, w] = node.inputs as readonly [Tensor, Tensor];
  const { stride, dilation, padding, inputSize } = node.attributes;
  const channels = g.shape[1]!;
  const [kernel, outputs] = [spatial(w), spatial(g)];
  const size = kernel[0] * kernel[1];
  const flat = reshaped(emitter, emitter.nameOf(w), [channels, size]);
  const kernels = backwards(emitter, flat, 1, size);
  // as much as leads to the wanted size
  const behind = [0, 1].map((axis) => inputSize[axis]! - stride * outputs[axis]! + padding);
  const geometry = {
    kernel,
    stride: 1,
    dilation,
    before: dilation * (kernel[0] - 1) - padding,
    behind: behind as [number, number],
  };
  return convolved(emitter, spread(emitter, g, stride), kernels, channels, geometry);
}

/** g [1, c, h', w'] with `stride` - 1 zeros behind every row and column. */
function spread(emitter: Emitter, g: Tensor, stride: number): string {
  if (stride === 1) return emitter.nameOf(g);
  const [, c, h, w] = g.shape as [number, number, number, number];
  // a product: a row becomes one with its zeros, and `stride` - 1 rows of zeros behind it
  const width = stride * stride * w;
  const places = Float32Array.from({ length: w * width }, (_, i) =>
    Number(i % width === stride * Math.floor(i / width)),
  );
  const rows = reshaped(emitter, emitter.nameOf(g), [c * h, w]);
  const spreader = emitter.floats(places, [w, width], `spread ${w} ${stride}`);
  return reshaped(emitter, emitter.emit('MatMul', [rows, spreader]), [1, c, h * stride, w * stride]);
}

/** x [1, c, h, w], g [1, c, h', w'] -> [c, 1, k, k]: x convolved with g, where stride and dilation change places. */
export function blockedFilterGradient(node: Tensor<'convFilterGradient'>, emitter: Emitter): string {
  const [x, g] = node.inputs as readonly [Tensor, Tensor];
  const { stride, dilation, padding, kernel } = node.attributes;
  const channels = x.shape[1]!;
  const swapped = { stride: dilation, dilation: stride };
  const geometry = { kernel: spatial(g), ...swapped, before: padding, behind: both(padding) };
  const result = convolved(emitter, emitter.nameOf(x), emitter.nameOf(g), channels, geometry); // [1, c, >=k, >=k]
  return reshaped(emitter, tapsOf(node, emitter, result), [channels, 1, ...kernel]);
}
