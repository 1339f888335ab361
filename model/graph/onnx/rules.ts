import { GraphError } from '../primitives.ts';
import type { Convolution, Pooling, PrimitiveTable, Tensor } from '../primitives.ts';
import { sizeOf } from '../shapes.ts';
import type { Shape } from '../shapes.ts';
import { blockedConvolution, blockedFilterGradient, blockedInputGradient, isBlocked } from './blocked.ts';
import type { Attributes, Emitter } from './emitter.ts';
import { backwards, both, reshaped, sliced, spatial, tapsOf, transposed } from './nodes.ts';

type Inputs = readonly Tensor[];

const operator =
  (name: string) =>
  (_: Tensor, emitter: Emitter, inputs: Inputs): string =>
    emitter.emit(
      name,
      inputs.map((input) => emitter.nameOf(input)),
    );

/** With the kernel's size, which ONNX lets be left out and OpenCV asks for. */
const convolutionAttributes = (
  { stride, padding, dilation, groups }: Convolution,
  kernel: readonly [number, number],
): Attributes => ({
  kernel_shape: kernel,
  strides: both(stride),
  dilations: both(dilation),
  pads: [...both(padding), ...both(padding)],
  group: groups,
});

const poolingAttributes = ({ kernel, stride, padding }: Pooling): Attributes => ({
  kernel_shape: both(kernel),
  strides: both(stride),
  pads: [...both(padding), ...both(padding)],
});

/** How much ConvTranspose's natural output falls short of the wanted size: the tail that a stride skipped. */
function outputPadding(
  size: number,
  output: number,
  kernel: number,
  { stride, padding, dilation }: Omit<Convolution, 'groups'>,
): number {
  return size - ((output - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1);
}

function maxPooling(node: Tensor<'maxPool' | 'maxPoolIndex'>, emitter: Emitter): readonly string[] {
  const x = emitter.nameOf(node.inputs[0]!);
  const indexed = emitter.hasSibling(node, 'maxPoolIndex');
  const key = `MaxPool ${x} ${JSON.stringify(node.attributes)}`;
  return emitter.emitShared(key, 'MaxPool', [x], [true, indexed], poolingAttributes(node.attributes));
}

/** LayerNormalization gives the normalised rows, their means and their inverse deviations in one operator. */
function rowNormalization(
  node: Tensor<'normalize' | 'inverseDeviation'>,
  emitter: Emitter,
): readonly string[] {
  const x = emitter.nameOf(node.inputs[0]!);
  const width = node.inputs[0]!.shape.at(-1)!;
  const { epsilon } = node.attributes;
  const deviation = emitter.hasSibling(node, 'inverseDeviation');
  return emitter.emitShared(
    `LayerNormalization ${x} ${epsilon}`,
    'LayerNormalization',
    [x, emitter.floats([1], [width])],
    [true, false, deviation],
    { axis: -1, epsilon },
  );
}

function product(node: Tensor<'matmul'>, emitter: Emitter, inputs: Inputs): string {
  const { transposeA, transposeB } = node.attributes;
  const names = inputs.map((input) => emitter.nameOf(input));
  if (!transposeA && !transposeB) return emitter.emit('MatMul', names);
  if (!emitter.options.portable) {
    return emitter.emit(
      'FusedMatMul',
      names,
      { transA: Number(transposeA), transB: Number(transposeB) },
      'com.microsoft',
    );
  }
  const flip = (i: number, transpose: boolean): string => {
    const rank = inputs[i]!.shape.length;
    const perm = inputs[i]!.shape.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
    return transpose ? transposed(emitter, names[i]!, perm) : names[i]!;
  };
  return emitter.emit('MatMul', [flip(0, transposeA), flip(1, transposeB)]);
}

/** Standard ONNX has no solver: onnxruntime's own operator, on the CPU and in WebAssembly alike. */
function inverted(_: Tensor<'inverse'>, emitter: Emitter, [x]: Inputs): string {
  if (emitter.options.portable) {
    throw new GraphError('a portable file cannot hold an inverse: standard ONNX has no operator for it');
  }
  return emitter.emit('Inverse', [emitter.nameOf(x!)], {}, 'com.microsoft');
}

/** A slice backwards; in a portable file a product with an exchange matrix, as many runtimes know no step below 0. */
function mirrored({ attributes: { axis }, shape }: Tensor<'mirror'>, emitter: Emitter, [x]: Inputs): string {
  const [name, size] = [emitter.nameOf(x!), shape[axis]!];
  if (!emitter.options.portable) return backwards(emitter, name, axis, size);
  const after = shape.length - 1 - axis;
  if (after > 1) throw new GraphError('a portable file mirrors one of the last two axes only');
  const antidiagonal = Float32Array.from({ length: size ** 2 }, (_, i) =>
    Number(Math.floor(i / size) + (i % size) === size - 1),
  );
  const exchange = emitter.floats(antidiagonal, [size, size], `exchange ${size}`);
  return emitter.emit('MatMul', after === 0 ? [name, exchange] : [exchange, name]);
}

/**
 * In a portable file the exponential of a logarithm of softmax is a softmax: runtimes that make two operators of a
 * LogSoftmax take the logarithm of a 0 where the probabilities are 0 and 1.
 */
function exponential(_: Tensor<'exp'>, emitter: Emitter, [x]: Inputs): string {
  if (!emitter.options.portable || x!.primitive !== 'logSoftmax')
    return emitter.emit('Exp', [emitter.nameOf(x!)]);
  return emitter.emit('Softmax', [emitter.nameOf(x!.inputs[0]!)], { axis: -1 });
}

/** From so many output pixels on, one product a tap is faster than one convolution. */
const fewestPixelsForProducts = 512;

function filterGradient(node: Tensor<'convFilterGradient'>, emitter: Emitter): string {
  if (isBlocked(node, emitter)) return blockedFilterGradient(node, emitter);
  const { stride, dilation, groups } = node.attributes;
  const [n, , oh, ow] = node.inputs[1]!.shape as [number, number, number, number];
  const plain = stride === 1 && dilation === 1 && groups === 1 && !emitter.options.portable;
  return plain && n * oh * ow >= fewestPixelsForProducts
    ? filterGradientByProducts(node, emitter)
    : filterGradientByConvolution(node, emitter);
}

/**
 * Channel-major planes of x and g, padded to one size and flattened: a shift by a tap is then a shift of the whole row,
 * because g is zero where it would wrap. One product [o, pixels] x [c, pixels]^T a tap.
 */
function filterGradientByProducts(node: Tensor<'convFilterGradient'>, emitter: Emitter): string {
  const [x, g] = node.inputs as readonly [Tensor, Tensor];
  const { padding, kernel } = node.attributes;
  const [kh, kw] = kernel;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [o, c1] = node.shape as [number, number];
  const width = w + 2 * padding;
  const length = n * (h + 2 * padding) * width;
  const used = length - (kh - 1) * width - (kw - 1);
  const rows = (
    tensor: Tensor,
    channels: number,
    before: number,
    after: readonly [number, number],
  ): string => {
    const major = transposed(emitter, emitter.nameOf(tensor), [1, 0, 2, 3]);
    const padded = emitter.emit('Pad', [major, emitter.integers([0, 0, before, before, 0, 0, ...after])]);
    return reshaped(emitter, padded, [channels, length]);
  };
  const columns = (name: string, start: number): string =>
    sliced(emitter, name, { starts: [start], ends: [start + used], axes: [1] });
  const images = rows(x, c, padding, [padding, padding]);
  const gradients = columns(rows(g, o, 0, [kh - 1, kw - 1]), 0);
  const taps = Array.from({ length: kh * kw }, (_, tap) => {
    const shifted = columns(images, Math.floor(tap / kw) * width + (tap % kw));
    const part = emitter.emit('FusedMatMul', [gradients, shifted], { transA: 0, transB: 1 }, 'com.microsoft');
    return reshaped(emitter, part, [o, c1, 1]);
  });
  return reshaped(emitter, emitter.emit('Concat', taps, { axis: 2 }), node.shape);
}

/** A convolution of x with g where batch and channel change places, and stride and dilation too. */
function filterGradientByConvolution(node: Tensor<'convFilterGradient'>, emitter: Emitter): string {
  const [x, g] = node.inputs as readonly [Tensor, Tensor];
  const { stride, padding, dilation, groups } = node.attributes;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const perGroup = c / groups;
  let images = emitter.nameOf(x);
  if (groups === 1) {
    images = transposed(emitter, images, [1, 0, 2, 3]);
  } else {
    images = reshaped(emitter, images, [n, groups, perGroup, h, w]);
    images = transposed(emitter, images, [2, 1, 0, 3, 4]);
    images = reshaped(emitter, images, [perGroup, groups * n, h, w]);
  }
  const filters = transposed(emitter, emitter.nameOf(g), [1, 0, 2, 3]); // [o, n, h', w']
  const swapped = { stride: dilation, dilation: stride, padding, groups };
  const result = emitter.emit('Conv', [images, filters], convolutionAttributes(swapped, spatial(g))); // [c/groups, o, >=k, >=k]
  return transposed(emitter, tapsOf(node, emitter, result), [1, 0, 2, 3]);
}

function averageGradient(node: Tensor<'averagePoolGradient'>, emitter: Emitter): string {
  const [g] = node.inputs as readonly [Tensor];
  const { kernel, stride, padding, inputSize } = node.attributes;
  const [n, c, h, w] = node.shape as [number, number, number, number];
  const [oh, ow] = spatial(g);
  const covered = (at: number, size: number): number =>
    Math.min(at * stride - padding + kernel, size) - Math.max(at * stride - padding, 0);
  // a window that keeps the size is its own transpose, so the gradient is an average of shares that counts the padding
  const symmetric = stride === 1 && 2 * padding === kernel - 1;
  const share = Float64Array.from({ length: oh * ow }, (_, i) => {
    const count = covered(Math.floor(i / ow), inputSize[0]) * covered(i % ow, inputSize[1]);
    return (symmetric ? kernel ** 2 : 1) / count;
  });
  const shared = emitter.emit('Mul', [emitter.nameOf(g), emitter.floats(share, [1, 1, oh, ow])]);
  if (symmetric)
    return emitter.emit('AveragePool', [shared], {
      ...poolingAttributes(node.attributes),
      count_include_pad: 1,
    });
  const flat = reshaped(emitter, shared, [n * c, 1, oh, ow]);
  const geometry = { stride, padding, dilation: 1, groups: 1 };
  const spread = emitter.emit('ConvTranspose', [flat, emitter.floats([1], [1, 1, kernel, kernel])], {
    ...convolutionAttributes(geometry, both(kernel)),
    output_padding: [outputPadding(h, oh, kernel, geometry), outputPadding(w, ow, kernel, geometry)],
  });
  return reshaped(emitter, spread, [n, c, h, w]);
}

/**
 * With a dynamic batch, a first axis that stays is copied (0 in ONNX) instead of fixed, and one that becomes another
 * multiple of the batch is inferred (-1).
 */
function reshapeTarget(from: Shape, to: Shape, { options, batch }: Emitter): readonly number[] {
  if (!options.dynamicBatch) return to;
  if (from[0] === to[0]) return [0, ...to.slice(1)];
  // of a batch of 1 everything is a multiple
  if (batch > 1 && from[0]! % batch === 0 && to[0]! % batch === 0) return [-1, ...to.slice(1)];
  throw new GraphError(`reshape to [${to.join(', ')}] loses the dynamic batch axis`);
}

/** How each primitive is written in ONNX (opset 17); returns the name of the result. */
export const loweringRules: PrimitiveTable<[emitter: Emitter, inputs: Inputs], string> = {
  input: (node) => node.attributes.name,
  constant: ({ attributes: { data }, shape, id }, emitter) =>
    emitter.floats(data, shape, data.length === 1 ? undefined : `constant ${id}`),
  negate: operator('Neg'),
  exp: exponential,
  log: operator('Log'),
  sqrt: operator('Sqrt'),
  sigmoid: operator('Sigmoid'),
  tanh: operator('Tanh'),
  relu: operator('Relu'),
  step: (_, emitter, [x]) => {
    const zero = emitter.floats([0], []);
    return emitter.emit('Cast', [emitter.emit('Greater', [emitter.nameOf(x!), zero])], { to: 1 });
  },
  stop: operator('Identity'),
  add: operator('Add'),
  subtract: operator('Sub'),
  multiply: operator('Mul'),
  divide: operator('Div'),
  sum: (node, emitter, [x]) =>
    emitter.emit('ReduceSum', [emitter.nameOf(x!), emitter.integers(node.attributes.axes)], { keepdims: 1 }),
  broadcast: (node, emitter, [x]) => {
    if (emitter.options.dynamicBatch && x!.shape[0] !== node.shape[0]) {
      throw new GraphError('broadcast along the dynamic batch axis');
    }
    const target = node.shape.map((axis, i) => (axis === x!.shape[i] ? 1 : axis));
    return emitter.emit('Expand', [emitter.nameOf(x!), emitter.integers(target)]);
  },
  reshape: (node, emitter, [x]) =>
    reshaped(emitter, emitter.nameOf(x!), reshapeTarget(x!.shape, node.shape, emitter)),
  transpose: (node, emitter, [x]) => transposed(emitter, emitter.nameOf(x!), node.attributes.permutation),
  concat: (node, emitter, inputs) =>
    emitter.emit(
      'Concat',
      inputs.map((input) => emitter.nameOf(input)),
      { axis: node.attributes.axis },
    ),
  slice: ({ attributes: { axis, start, size } }, emitter, [x]) =>
    sliced(emitter, emitter.nameOf(x!), { starts: [start], ends: [start + size], axes: [axis] }),
  mirror: mirrored,
  pad: ({ attributes: { axis, before, after }, shape }, emitter, [x]) => {
    const pads = [
      ...shape.map((_, i) => (i === axis ? before : 0)),
      ...shape.map((_, i) => (i === axis ? after : 0)),
    ];
    return emitter.emit('Pad', [emitter.nameOf(x!), emitter.integers(pads)]);
  },
  matmul: product,
  inverse: inverted,
  conv: (node, emitter, inputs) => {
    if (isBlocked(node, emitter)) return blockedConvolution(node, emitter);
    return emitter.emit(
      'Conv',
      inputs.map((input) => emitter.nameOf(input)),
      convolutionAttributes(node.attributes, spatial(inputs[1]!)),
    );
  },
  convInputGradient: (node, emitter, [g, w]) => {
    if (isBlocked(node, emitter)) return blockedInputGradient(node, emitter);
    const [h, width] = node.attributes.inputSize;
    const [oh, ow] = spatial(g!);
    const [kh, kw] = spatial(w!);
    return emitter.emit('ConvTranspose', [emitter.nameOf(g!), emitter.nameOf(w!)], {
      ...convolutionAttributes(node.attributes, [kh, kw]),
      output_padding: [
        outputPadding(h, oh, kh, node.attributes),
        outputPadding(width, ow, kw, node.attributes),
      ],
    });
  },
  convFilterGradient: filterGradient,
  maxPool: (node, emitter) => maxPooling(node, emitter)[0]!,
  maxPoolIndex: (node, emitter) => maxPooling(node, emitter)[1]!,
  poolGather: (_, emitter, [u, index]) =>
    emitter.emit('Gather', [reshaped(emitter, emitter.nameOf(u!), [-1]), emitter.nameOf(index!)], {
      axis: 0,
    }),
  poolScatter: (node, emitter, [g, index]) => {
    const zeros = emitter.floats([0], [sizeOf(node.shape)]);
    const flat = [index!, g!].map((input) => reshaped(emitter, emitter.nameOf(input), [-1]));
    const scattered = emitter.emit('ScatterElements', [zeros, ...flat], { axis: 0, reduction: 'add' });
    return reshaped(emitter, scattered, node.shape);
  },
  averagePool: (node, emitter, [x]) =>
    emitter.emit('AveragePool', [emitter.nameOf(x!)], {
      ...poolingAttributes(node.attributes),
      count_include_pad: 0,
    }),
  averagePoolGradient: averageGradient,
  normalize: (node, emitter) => rowNormalization(node, emitter)[0]!,
  inverseDeviation: (node, emitter) => rowNormalization(node, emitter)[2]!,
  logSoftmax: (_, emitter, [x]) => emitter.emit('LogSoftmax', [emitter.nameOf(x!)], { axis: -1 }),
};
