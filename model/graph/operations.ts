import { GraphError } from './primitives.ts';
import type { Convolution, Pooling, Primitive, Tensor } from './primitives.ts';
import { sameShape, sizeOf } from './shapes.ts';
import type { Shape } from './shapes.ts';

/** A tensor or a number; a number takes the shape of the other operand. */
export type Operand = Tensor | number;

const is = <P extends Primitive>(tensor: Tensor, primitive: P): tensor is Tensor<P> =>
  tensor.primitive === primitive;

/** The number that fills the whole tensor, if it is known to be one. */
export function fillOf(tensor: Tensor): number | undefined {
  if (is(tensor, 'broadcast') || is(tensor, 'reshape')) return fillOf(tensor.inputs[0]!);
  return is(tensor, 'constant') && tensor.attributes.data.length === 1
    ? tensor.attributes.data[0]
    : undefined;
}

/** A tensor of `shape` filled with `value`: a one-element constant, broadcast. */
export function fill(like: Tensor, value: number, shape: Shape = like.shape): Tensor {
  return broadcast(
    like.graph.constant(
      [value],
      shape.map(() => 1),
    ),
    shape,
  );
}

export const zerosLike = (tensor: Tensor): Tensor => fill(tensor, 0);

function operands(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a !== 'number') return [a, typeof b === 'number' ? fill(a, b) : b];
  if (typeof b === 'number') throw new GraphError('an operation needs a tensor');
  return [fill(b, a), b];
}

export function add(a: Operand, b: Operand): Tensor {
  const [x, y] = operands(a, b);
  if (fillOf(x) === 0) return y;
  if (fillOf(y) === 0) return x;
  if (is(y, 'negate')) return subtract(x, y.inputs[0]!);
  return joinedPads(x, y) ?? joinedPads(y, x) ?? x.graph.node('add', [x, y], {});
}

/** The sum of two padded tensors that lie side by side, as the gradients of neighbouring slices do, is a concat. */
function joinedPads(x: Tensor, y: Tensor): Tensor | undefined {
  if (!is(x, 'pad') || !is(y, 'pad') || x.attributes.axis !== y.attributes.axis) return undefined;
  const { axis, before } = x.attributes;
  if (before + x.inputs[0]!.shape[axis]! !== y.attributes.before) return undefined;
  return pad(
    concat([...partsOf(x.inputs[0]!, axis), ...partsOf(y.inputs[0]!, axis)], axis),
    axis,
    before,
    y.attributes.after,
  );
}

const partsOf = (x: Tensor, axis: number): readonly Tensor[] =>
  is(x, 'concat') && x.attributes.axis === axis ? x.inputs : [x];

export function subtract(a: Operand, b: Operand): Tensor {
  const [x, y] = operands(a, b);
  if (fillOf(y) === 0) return x;
  if (fillOf(x) === 0) return negate(y);
  return x.graph.node('subtract', [x, y], {});
}

export function multiply(a: Operand, b: Operand): Tensor {
  const [x, y] = operands(a, b);
  const [fx, fy] = [fillOf(x), fillOf(y)];
  if (fx === 0 || fy === 1) return x;
  if (fy === 0 || fx === 1) return y;
  if (fx === -1) return negate(y);
  if (fy === -1) return negate(x);
  return x.graph.node('multiply', [x, y], {});
}

export function divide(a: Operand, b: Operand): Tensor {
  const [x, y] = operands(a, b);
  const by = fillOf(y);
  if (by !== undefined) return multiply(x, 1 / by);
  return x.graph.node('divide', [x, y], {});
}

export const negate = (x: Tensor): Tensor =>
  is(x, 'negate') ? x.inputs[0]! : x.graph.node('negate', [x], {});
export const exp = (x: Tensor): Tensor => x.graph.node('exp', [x], {});
export const log = (x: Tensor): Tensor => x.graph.node('log', [x], {});
export const sqrt = (x: Tensor): Tensor => x.graph.node('sqrt', [x], {});
export const sigmoid = (x: Tensor): Tensor => x.graph.node('sigmoid', [x], {});
export const tanh = (x: Tensor): Tensor => x.graph.node('tanh', [x], {});
export const relu = (x: Tensor): Tensor => (is(x, 'relu') ? x : x.graph.node('relu', [x], {}));
export const step = (x: Tensor): Tensor => x.graph.node('step', [is(x, 'relu') ? x.inputs[0]! : x], {});

/** x as a constant: no derivative goes through it. */
export const stop = (x: Tensor): Tensor => x.graph.node('stop', [x], {});

/** Sum over `axes` (all by default); the axes stay with size 1. */
export function sum(x: Tensor, axes: readonly number[] = x.shape.map((_, i) => i)): Tensor {
  const longer = axes.filter((axis) => x.shape[axis] !== 1);
  if (is(x, 'negate')) return negate(sum(x.inputs[0]!, longer)); // fewer elements to negate
  return longer.length === 0 ? x : x.graph.node('sum', [x], { axes: [...longer].sort((a, b) => a - b) });
}

/** Mean over `axes` (all by default); the axes stay with size 1. */
export function mean(x: Tensor, axes: readonly number[] = x.shape.map((_, i) => i)): Tensor {
  return multiply(sum(x, axes), 1 / axes.reduce((count, axis) => count * x.shape[axis]!, 1));
}

export function broadcast(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const from = is(x, 'broadcast') ? x.inputs[0]! : x;
  return x.graph.node('broadcast', [from], { shape });
}

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const from = is(x, 'reshape') ? x.inputs[0]! : x;
  if (sameShape(from.shape, shape)) return from;
  const value = fillOf(x);
  if (value !== undefined && sizeOf(shape) === sizeOf(x.shape)) return fill(x, value, shape);
  return x.graph.node('reshape', [from], { shape });
}

export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  if (is(x, 'transpose')) {
    const inner = x.attributes.permutation;
    return transpose(
      x.inputs[0]!,
      permutation.map((axis) => inner[axis]!),
    );
  }
  const identity = permutation.every((axis, i) => axis === i);
  return identity ? x : x.graph.node('transpose', [x], { permutation });
}

export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors;
  if (!first) throw new GraphError('concat needs an input');
  return tensors.length === 1 ? first : first.graph.node('concat', tensors, { axis });
}

export function slice(x: Tensor, axis: number, start: number, size: number): Tensor {
  if (start === 0 && size === x.shape[axis]) return x;
  if (fillOf(x) !== undefined)
    return fill(
      x,
      fillOf(x)!,
      x.shape.map((old, i) => (i === axis ? size : old)),
    );
  return x.graph.node('slice', [x], { axis, start, size });
}

/** Axis `axis` backwards. */
export function mirror(x: Tensor, axis: number): Tensor {
  if (is(x, 'mirror') && x.attributes.axis === axis) return x.inputs[0]!;
  return fillOf(x) === undefined ? x.graph.node('mirror', [x], { axis }) : x;
}

export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  return before === 0 && after === 0 ? x : x.graph.node('pad', [x], { axis, before, after });
}

/** Batched product over the last two axes; `transposeA/B` read an operand transposed. */
export function matmul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  return a.graph.node('matmul', [a, b], { transposeA, transposeB });
}

/** Inverse of symmetric positive definite matrices [..., n, n]; differentiates into products, to any order. */
export const inverse = (x: Tensor): Tensor => x.graph.node('inverse', [x], {});

const defaultConvolution: Convolution = { stride: 1, padding: 0, dilation: 1, groups: 1 };

/** x [n, c, h, w] * w [o, c/groups, k, k]. */
export const conv = (x: Tensor, w: Tensor, geometry: Partial<Convolution> = {}): Tensor =>
  x.graph.node('conv', [x, w], { ...defaultConvolution, ...geometry });

/** The transpose of `conv` in x: g [n, o, h', w'], w -> [n, c, h, w] of `inputSize`. */
export function convInputGradient(
  g: Tensor,
  w: Tensor,
  geometry: Convolution,
  inputSize: readonly [number, number],
): Tensor {
  const { stride, padding, dilation, groups } = geometry;
  return g.graph.node('convInputGradient', [g, w], { stride, padding, dilation, groups, inputSize });
}

/** The transpose of `conv` in w: x, g [n, o, h', w'] -> [o, c/groups, k, k] of `kernel`. */
export function convFilterGradient(
  x: Tensor,
  g: Tensor,
  geometry: Convolution,
  kernel: readonly [number, number],
): Tensor {
  const { stride, padding, dilation, groups } = geometry;
  return x.graph.node('convFilterGradient', [x, g], { stride, padding, dilation, groups, kernel });
}

const window = ({ kernel, stride, padding }: Pooling): Pooling => ({ kernel, stride, padding });

export const maxPool = (x: Tensor, geometry: Pooling): Tensor =>
  x.graph.node('maxPool', [x], window(geometry));
export const maxPoolIndex = (x: Tensor, geometry: Pooling): Tensor =>
  x.graph.node('maxPoolIndex', [x], window(geometry));
export const poolGather = (u: Tensor, index: Tensor): Tensor => u.graph.node('poolGather', [u, index], {});
export const poolScatter = (g: Tensor, index: Tensor, inputSize: readonly [number, number]): Tensor =>
  g.graph.node('poolScatter', [g, index], { inputSize });
export const averagePool = (x: Tensor, geometry: Pooling): Tensor =>
  x.graph.node('averagePool', [x], window(geometry));
export const averagePoolGradient = (
  g: Tensor,
  geometry: Pooling,
  inputSize: readonly [number, number],
): Tensor => g.graph.node('averagePoolGradient', [g], { ...window(geometry), inputSize });

/** (x - mean) / sqrt(variance + epsilon) over the last axis. */
export const normalize = (x: Tensor, epsilon: number): Tensor => x.graph.node('normalize', [x], { epsilon });
/** 1 / sqrt(variance + epsilon) over the last axis, kept with size 1. */
export const inverseDeviation = (x: Tensor, epsilon: number): Tensor =>
  x.graph.node('inverseDeviation', [x], { epsilon });
export const logSoftmax = (x: Tensor): Tensor => x.graph.node('logSoftmax', [x], {});
export const softmax = (x: Tensor): Tensor => exp(logSoftmax(x));

/** Mean over rows of -Σ targets · log softmax(logits); logits and targets are [n, classes], the result is [1, 1]. */
export function crossEntropy(logits: Tensor, targets: Tensor): Tensor {
  return multiply(sum(multiply(targets, logSoftmax(logits))), -1 / logits.shape[0]!);
}

/** Rows [n, f] brought to length one; `smallest` is added to a squared length, which keeps a row of zeros finite. */
export function unitRows(x: Tensor, smallest: number): Tensor {
  const length = sqrt(add(sum(multiply(x, x), [1]), smallest));
  return divide(x, broadcast(length, x.shape));
}
