import { topological } from './graph.ts';
import {
  add,
  averagePool,
  averagePoolGradient,
  broadcast,
  conv,
  convFilterGradient,
  convInputGradient,
  divide,
  exp,
  fill,
  fillOf,
  inverseDeviation,
  matmul,
  maxPoolIndex,
  mean,
  multiply,
  negate,
  normalize,
  pad,
  poolGather,
  poolScatter,
  reshape,
  mirror,
  slice,
  step,
  subtract,
  sum,
  transpose,
  zerosLike,
} from './operations.ts';
import { applyRule } from './primitives.ts';
import type { PrimitiveTable, Tensor } from './primitives.ts';

/** The cotangent of each input, given that of the output; null where the derivative is zero. */
type Cotangents = readonly (Tensor | null)[];

/** The last two axes change places. */
const flipped = (x: Tensor): Tensor => {
  const rank = x.shape.length;
  return transpose(
    x,
    x.shape.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis)),
  );
};

const planeSize = (x: Tensor): readonly [number, number] => [x.shape[2]!, x.shape[3]!];

/**
 * The vector-Jacobian product of every primitive, built of primitives: gradients are graph nodes and differentiate
 * again, to any order.
 */
const cotangentRules: PrimitiveTable<[g: Tensor], Cotangents> = {
  input: () => [],
  constant: () => [],
  negate: (_, g) => [negate(g)],
  exp: (y, g) => [multiply(g, y)],
  log: ({ inputs: [x] }, g) => [divide(g, x!)],
  sqrt: (y, g) => [divide(multiply(g, 0.5), y)],
  sigmoid: (y, g) => [multiply(g, multiply(y, subtract(1, y)))],
  tanh: (y, g) => [multiply(g, subtract(1, multiply(y, y)))],
  relu: ({ inputs: [x] }, g) => [multiply(g, step(x!))],
  step: () => [null],
  stop: () => [null],
  add: (_, g) => [g, g],
  subtract: (_, g) => [g, negate(g)],
  multiply: ({ inputs: [a, b] }, g) => [multiply(g, b!), multiply(g, a!)],
  divide: (y, g) => {
    const toNumerator = divide(g, y.inputs[1]!);
    return [toNumerator, negate(multiply(toNumerator, y))];
  },
  sum: ({ inputs: [x] }, g) => [broadcast(g, x!.shape)],
  broadcast: ({ inputs: [x], shape }, g) => [
    sum(
      g,
      shape.flatMap((size, i) => (size === x!.shape[i] ? [] : [i])),
    ),
  ],
  reshape: ({ inputs: [x] }, g) => [reshape(g, x!.shape)],
  transpose: ({ attributes: { permutation } }, g) => [
    transpose(
      g,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  concat: ({ inputs, attributes: { axis } }, g) => {
    let start = 0;
    return inputs.map((x) => {
      const part = slice(g, axis, start, x.shape[axis]!);
      start += x.shape[axis]!;
      return part;
    });
  },
  slice: ({ inputs: [x], attributes: { axis, start, size } }, g) => [
    pad(g, axis, start, x!.shape[axis]! - start - size),
  ],
  mirror: ({ attributes: { axis } }, g) => [mirror(g, axis)],
  pad: ({ inputs: [x], attributes: { axis, before } }, g) => [slice(g, axis, before, x!.shape[axis]!)],
  matmul: ({ inputs: [a, b], attributes: { transposeA, transposeB } }, g) => {
    // a aᵀ and aᵀ a: one product instead of two
    if (a === b && transposeA !== transposeB) {
      const both = add(g, flipped(g));
      return [transposeA ? matmul(a!, both) : matmul(both, a!), null];
    }
    return [
      transposeA ? matmul(b!, g, transposeB, true) : matmul(g, b!, false, !transposeB),
      transposeB ? matmul(g, a!, true, transposeA) : matmul(a!, g, !transposeA, false),
    ];
  },
  // d(A⁻¹) = -A⁻¹ dA A⁻¹
  inverse: (y, g) => [negate(matmul(matmul(y, g, true), y, false, true))],
  conv: ({ inputs: [x, w], attributes }, g) => [
    convInputGradient(g, w!, attributes, planeSize(x!)),
    convFilterGradient(x!, g, attributes, planeSize(w!)),
  ],
  convInputGradient: ({ inputs: [g, w], attributes }, u) => [
    conv(u, w!, convolutionOf(attributes)),
    convFilterGradient(u, g!, attributes, planeSize(w!)),
  ],
  convFilterGradient: ({ inputs: [x, g], attributes }, u) => [
    convInputGradient(g!, u, attributes, planeSize(x!)),
    conv(x!, u, convolutionOf(attributes)),
  ],
  maxPool: ({ inputs: [x], attributes }, g) => [poolScatter(g, maxPoolIndex(x!, attributes), planeSize(x!))],
  maxPoolIndex: () => [null],
  poolGather: ({ inputs: [u, index] }, g) => [poolScatter(g, index!, planeSize(u!)), null],
  poolScatter: ({ inputs: [, index] }, u) => [poolGather(u, index!), null],
  averagePool: ({ inputs: [x], attributes }, g) => [averagePoolGradient(g, attributes, planeSize(x!))],
  averagePoolGradient: ({ attributes }, u) => [averagePool(u, attributes)],
  // y = (x - m) s with s = (variance + ε)^-½: dx = s (g - mean(g) - y mean(g y))
  normalize: (y, g) => {
    const last = [y.shape.length - 1];
    const s = broadcast(inverseDeviation(y.inputs[0]!, y.attributes.epsilon), y.shape);
    const gMean = broadcast(mean(g, last), y.shape);
    const gyMean = broadcast(mean(multiply(g, y), last), y.shape);
    return [multiply(s, subtract(subtract(g, gMean), multiply(y, gyMean)))];
  },
  // ds/dx_i = -s² y_i / n
  inverseDeviation: (s, g) => {
    const [x] = s.inputs;
    const factor = multiply(g, multiply(multiply(s, s), -1 / x!.shape.at(-1)!));
    return [multiply(broadcast(factor, x!.shape), normalize(x!, s.attributes.epsilon))];
  },
  logSoftmax: (y, g) => [subtract(g, multiply(exp(y), broadcast(sum(g, [y.shape.length - 1]), y.shape)))],
};

function convolutionOf({
  stride,
  padding,
  dilation,
  groups,
}: Tensor<'conv'>['attributes']): Tensor<'conv'>['attributes'] {
  return { stride, padding, dilation, groups };
}

/** An output to differentiate and the cotangent that is sent into it. */
export interface Seed {
  readonly output: Tensor;
  readonly cotangent: Tensor;
}

/**
 * Reverse-mode differentiation: Σ cotangentᵀ · ∂output/∂x for each x of `wrt`, as nodes of the same graph.
 * An x that no output depends on gets zeros.
 */
export function vectorJacobian(seeds: readonly Seed[], wrt: readonly Tensor[]): Tensor[] {
  return reverse(seeds, wrt, new Set());
}

/** Reverse mode that does not go on from the tensors of `leaves` to what they were made of. */
function reverse(seeds: readonly Seed[], wrt: readonly Tensor[], leaves: ReadonlySet<Tensor>): Tensor[] {
  const outputs = seeds.map((seed) => seed.output);
  const order = topological(outputs);
  const active = dependents(order, wrt);
  const cotangents = new Map<Tensor, Tensor>();
  const send = (to: Tensor, g: Tensor | null | undefined): void => {
    if (!g || !active.has(to) || fillOf(g) === 0) return;
    const sofar = cotangents.get(to);
    cotangents.set(to, sofar ? add(sofar, g) : g);
  };
  for (const { output, cotangent } of seeds) send(output, cotangent);
  for (const node of order.reverse()) {
    const g = cotangents.get(node);
    if (!g || leaves.has(node) || node.inputs.every((input) => !active.has(input))) continue;
    const parts = applyRule(cotangentRules, node, g);
    node.inputs.forEach((input, i) => send(input, parts[i]));
  }
  return wrt.map((x) => cotangents.get(x) ?? zerosLike(x));
}

/** The gradient of a one-element `loss` with respect to each x of `wrt`. */
export function gradient(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  return vectorJacobian([{ output: loss, cotangent: fill(loss, 1) }], wrt);
}

/**
 * The partial derivatives of a one-element `loss`: each x of `wrt` is a variable of its own, even where one was made of
 * another.
 */
export function partialGradient(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  return reverse([{ output: loss, cotangent: fill(loss, 1) }], wrt, new Set(wrt));
}

/** ⟨a, b⟩ = Σ over all tensors of the elementwise product, as a tensor of one element, shape [1]. */
export function innerProduct(a: readonly Tensor[], b: readonly Tensor[]): Tensor {
  return a.map((x, i) => reshape(sum(multiply(x, b[i]!)), [1])).reduce((total, part) => add(total, part));
}

function dependents(order: readonly Tensor[], wrt: readonly Tensor[]): Set<Tensor> {
  const active = new Set<Tensor>(wrt);
  for (const node of order) {
    if (node.inputs.some((input) => active.has(input))) active.add(node);
  }
  return active;
}
