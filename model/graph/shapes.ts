import { GraphError } from './primitives.ts';
import type { Convolution, Pooling, Primitive, PrimitiveAttributes } from './primitives.ts';

export type Shape = readonly number[];

export const sizeOf = (shape: Shape): number => shape.reduce((product, axis) => product * axis, 1);

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((axis, i) => axis === b[i]);

/** Output length of a convolution or pooling window along one axis. */
export const windowOutput = (
  input: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation = 1,
): number => Math.floor((input + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;

/** Every primitive but the leaves, whose shape is given. */
export type ComputedPrimitive = Exclude<Primitive, 'input' | 'constant'>;

export type ShapeRule<Attributes> = (shapes: readonly Shape[], attributes: Attributes) => Shape;

function demand(condition: boolean, message: string): asserts condition {
  if (!condition) throw new GraphError(message);
}

function axisOf(shape: Shape, axis: number): number {
  const size = shape[axis];
  demand(size !== undefined, `axis ${axis} is outside the shape [${shape.join(', ')}]`);
  return size;
}

const replaced = (shape: Shape, axis: number, size: number): Shape =>
  shape.map((old, i) => (i === axis ? size : old));

function planes(shape: Shape): readonly [number, number, number, number] {
  demand(shape.length === 4, `[n, c, h, w] expected, not [${shape.join(', ')}]`);
  return shape as readonly [number, number, number, number];
}

function one(shapes: readonly Shape[]): Shape {
  demand(shapes.length === 1, `one input expected, not ${shapes.length}`);
  return shapes[0]!;
}

function two(shapes: readonly Shape[]): readonly [Shape, Shape] {
  demand(shapes.length === 2, `two inputs expected, not ${shapes.length}`);
  return [shapes[0]!, shapes[1]!];
}

const unary = (shapes: readonly Shape[]): Shape => one(shapes);

function binary(shapes: readonly Shape[]): Shape {
  const [a, b] = two(shapes);
  demand(sameShape(a, b), `shapes [${a.join(', ')}] and [${b.join(', ')}] differ: broadcast first`);
  return a;
}

function pooled(shapes: readonly Shape[], { kernel, stride, padding }: Pooling): Shape {
  const [n, c, h, w] = planes(one(shapes));
  return [n, c, windowOutput(h, kernel, stride, padding), windowOutput(w, kernel, stride, padding)];
}

function convolved(x: Shape, kernel: Shape, { stride, padding, dilation, groups }: Convolution): Shape {
  const [n, c, h, w] = planes(x);
  const [o, cPerGroup, kh, kw] = planes(kernel);
  demand(c === cPerGroup * groups && o % groups === 0, `${groups} groups do not fit ${c} -> ${o} channels`);
  return [
    n,
    o,
    windowOutput(h, kh, stride, padding, dilation),
    windowOutput(w, kw, stride, padding, dilation),
  ];
}

/** The shape rule of each computed primitive; leaves carry their shape. Throws GraphError where shapes do not fit. */
export const shapeRules: { readonly [P in ComputedPrimitive]: ShapeRule<PrimitiveAttributes[P]> } = {
  negate: unary,
  exp: unary,
  log: unary,
  sqrt: unary,
  sigmoid: unary,
  tanh: unary,
  relu: unary,
  step: unary,
  stop: unary,
  add: binary,
  subtract: binary,
  multiply: binary,
  divide: binary,
  sum: (shapes, { axes }) =>
    axes.reduce((shape, axis) => (axisOf(shape, axis), replaced(shape, axis, 1)), one(shapes)),
  broadcast: (shapes, { shape }) => {
    const from = one(shapes);
    const fits = from.length === shape.length && from.every((axis, i) => axis === shape[i] || axis === 1);
    demand(fits, `[${from.join(', ')}] does not broadcast to [${shape.join(', ')}]`);
    return shape;
  },
  reshape: (shapes, { shape }) => {
    demand(sizeOf(one(shapes)) === sizeOf(shape), `[${one(shapes).join(', ')}] is no [${shape.join(', ')}]`);
    return shape;
  },
  transpose: (shapes, { permutation }) => {
    const valid = [...permutation].sort((a, b) => a - b).every((axis, i) => axis === i);
    demand(
      valid && permutation.length === one(shapes).length,
      `[${permutation.join(', ')}] is no permutation`,
    );
    return permutation.map((axis) => one(shapes)[axis]!);
  },
  concat: (shapes, { axis }) => {
    const [first, ...rest] = shapes;
    demand(first !== undefined, 'concat needs an input');
    for (const shape of rest) {
      demand(sameShape(replaced(first, axis, 0), replaced(shape, axis, 0)), 'concat: other axes differ');
    }
    return replaced(
      first,
      axis,
      shapes.reduce((total, shape) => total + axisOf(shape, axis), 0),
    );
  },
  slice: (shapes, { axis, start, size }) => {
    const inside = start >= 0 && size > 0 && start + size <= axisOf(one(shapes), axis);
    demand(inside, `slice ${start}+${size} is outside axis ${axis} of [${one(shapes).join(', ')}]`);
    return replaced(one(shapes), axis, size);
  },
  mirror: (shapes, { axis }) => replaced(one(shapes), axis, axisOf(one(shapes), axis)),
  pad: (shapes, { axis, before, after }) =>
    replaced(one(shapes), axis, axisOf(one(shapes), axis) + before + after),
  matmul: (shapes, { transposeA, transposeB }) => {
    const [a, b] = two(shapes);
    const rank = a.length;
    demand(rank >= 2 && b.length === rank, 'matmul: ranks differ');
    demand(sameShape(a.slice(0, -2), b.slice(0, -2)), 'matmul: batch axes differ');
    const [m, k] = transposeA ? [a[rank - 1]!, a[rank - 2]!] : [a[rank - 2]!, a[rank - 1]!];
    const [k2, n] = transposeB ? [b[rank - 1]!, b[rank - 2]!] : [b[rank - 2]!, b[rank - 1]!];
    demand(k === k2, `matmul: inner axes ${k} and ${k2} differ`);
    return [...a.slice(0, -2), m, n];
  },
  inverse: (shapes) => {
    const shape = one(shapes);
    demand(
      shape.length >= 2 && shape.at(-1) === shape.at(-2),
      `inverse: [${shape.join(', ')}] is not square`,
    );
    return shape;
  },
  conv: (shapes, attributes) => convolved(...two(shapes), attributes),
  convInputGradient: (shapes, attributes) => {
    const [g, w] = two(shapes);
    const x = [planes(g)[0], planes(w)[1] * attributes.groups, ...attributes.inputSize];
    demand(sameShape(convolved(x, w, attributes), g), 'convInputGradient: the gradient has another shape');
    return x;
  },
  convFilterGradient: (shapes, attributes) => {
    const [x, g] = two(shapes);
    const w = [planes(g)[1], planes(x)[1] / attributes.groups, ...attributes.kernel];
    demand(sameShape(convolved(x, w, attributes), g), 'convFilterGradient: the gradient has another shape');
    return w;
  },
  maxPool: pooled,
  maxPoolIndex: pooled,
  poolGather: (shapes) => two(shapes)[1],
  poolScatter: (shapes, { inputSize }) => [...two(shapes)[0].slice(0, 2), ...inputSize],
  averagePool: pooled,
  averagePoolGradient: (shapes, { inputSize }) => [...one(shapes).slice(0, 2), ...inputSize],
  normalize: unary,
  inverseDeviation: (shapes) => [...one(shapes).slice(0, -1), 1],
  logSoftmax: unary,
};
