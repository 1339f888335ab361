import type { Convolution, Tensor } from '../primitives.ts';
import type { Attributes, Emitter } from './emitter.ts';

/**
 * Depthwise convolutions and their derivatives in onnxruntime's own blocked layout (its operator set
 * `com.microsoft.nchwc`, of the CPU provider alone): planes of as many channels as a vector register has numbers stand side by
 * side, so every multiplication is one of vectors. Its optimiser makes such nodes of convolutions whose kernels are constants;
 * those of a graph that trains them are inputs, and a plain convolution unfolds every channel by itself. Kernels and
 * cotangents of a depthwise convolution are planes of channels too, and go into the layout by the same operator.
 */
const domain = 'com.microsoft.nchwc';

/** A multiple of every block that there is. */
const wholeBlocks = 16;

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

const reshaped = (emitter: Emitter, name: string, shape: readonly number[]): string =>
  emitter.emit('Reshape', [name, emitter.integers(shape)]);

interface Geometry {
  readonly kernel: readonly [number, number];
  readonly stride: number;
  readonly dilation: number;
  /** before both axes, behind the first, behind the second */
  readonly pads: readonly [number, number, number];
}

/** Of x [1, c, h, w] with kernels [1 or c, c or 1, k, k], both plain: the plain result. */
function convolved(
  emitter: Emitter,
  x: string,
  kernels: string,
  channels: number,
  geometry: Geometry,
): string {
  const { kernel, stride, dilation, pads } = geometry;
  const [before, down, right] = pads;
  const attributes: Attributes = {
    kernel_shape: kernel,
    strides: [stride, stride],
    dilations: [dilation, dilation],
    pads: [before, before, down, right],
    group: channels,
  };
  const planes = entered(emitter, reshaped(emitter, kernels, [1, channels, ...kernel]));
  const inputs = [entered(emitter, x), reshaped(emitter, planes, [channels, 1, ...kernel])];
  return left(emitter, emitter.emit('Conv', inputs, attributes, domain), channels);
}

const planeOf = ({ shape }: Tensor): readonly [number, number] => [shape[2]!, shape[3]!];

/** x [1, c, h, w] * w [c, 1, k, k]. */
export function blockedConvolution({ inputs, attributes }: Tensor<'conv'>, emitter: Emitter): string {
  const [x, w] = inputs as readonly [Tensor, Tensor];
  const { stride, dilation, padding } = attributes;
  const pads = [padding, padding, padding] as const;
  const geometry = { kernel: planeOf(w), stride, dilation, pads };
  return convolved(emitter, emitter.nameOf(x), emitter.nameOf(w), x.shape[1]!, geometry);
}

/** Zeros that stand behind g, spread by the stride, so that a convolution with the kernels backwards gives the wanted size. */
function padsBehind({ stride, padding }: Convolution, size: number, output: number): number {
  return size - stride * output + padding;
}

/** g [1, c, h', w'], w [c, 1, k, k] -> [1, c, h, w]: g, spread by the stride, convolved with the kernels backwards. */
export function blockedInputGradient(node: Tensor<'convInputGradient'>, emitter: Emitter): string {
  const [g, w] = node.inputs as readonly [Tensor, Tensor];
  const { stride, dilation, padding, inputSize } = node.attributes;
  const channels = g.shape[1]!;
  const kernel = planeOf(w);
  const size = kernel[0] * kernel[1];
  const flat = reshaped(emitter, emitter.nameOf(w), [channels, size]);
  const bounds = [[-1], [-size - 1], [1], [-1]].map((values) => emitter.integers(values));
  const backwards = emitter.emit('Slice', [flat, ...bounds]);
  const [down, right] = ([0, 1] as const).map((axis) =>
    padsBehind(node.attributes, inputSize[axis], planeOf(g)[axis]),
  ) as [number, number];
  const before = dilation * (kernel[0] - 1) - padding;
  const geometry = { kernel, stride: 1, dilation, pads: [before, down, right] as const };
  return convolved(emitter, spread(emitter, g, stride), backwards, channels, geometry);
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
  const plane = planeOf(g);
  // a stride leaves rows and columns at the end that no tap has seen: less is padded there, or x is cut
  const behind = ([0, 1] as const).map(
    (axis) => dilation * (kernel[axis] - 1) + stride * (plane[axis] - 1) + 1 - planeOf(x)[axis] - padding,
  ) as [number, number];
  const cut = behind.map((pad) => Math.min(0, pad)) as [number, number];
  const pads = [padding, Math.max(0, behind[0]), Math.max(0, behind[1])] as const;
  const seen = cutBehind(emitter, x, cut);
  const geometry = { kernel: plane, stride: dilation, dilation: stride, pads };
  const gradients = convolved(emitter, seen, emitter.nameOf(g), channels, geometry);
  return reshaped(emitter, gradients, [channels, 1, ...kernel]);
}

/** x without its last rows and columns, as many as `cut` is below zero. */
function cutBehind(emitter: Emitter, x: Tensor, cut: readonly [number, number]): string {
  if (cut[0] === 0 && cut[1] === 0) return emitter.nameOf(x);
  const ends = planeOf(x).map((size, axis) => size + cut[axis]!);
  const bounds = [[0, 0], ends, [2, 3]].map((values) => emitter.integers(values));
  return emitter.emit('Slice', [emitter.nameOf(x), ...bounds]);
}
