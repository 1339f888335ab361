/**
 * The closed set of primitives and their typed attributes. Every concern (shape, gradient, ONNX lowering, tfjs,
 * float64 reference) is one exhaustive table over this set, so a new primitive is a compile error until each table has it.
 *
 * The set is closed under differentiation: convolution, its input gradient and its filter gradient differentiate into
 * each other, so do scatter and gather by pooling indices, slice and pad, broadcast and sum; mirror into itself, inverse into
 * products with itself.
 */
export interface PrimitiveAttributes {
  // Leaves
  input: { readonly name: string };
  /** `data` has one element (a fill) or as many as the shape. */
  constant: { readonly data: Float64Array };
  // Elementwise, one input
  negate: Nothing;
  exp: Nothing;
  log: Nothing;
  sqrt: Nothing;
  sigmoid: Nothing;
  tanh: Nothing;
  relu: Nothing;
  /** 1 where x > 0, else 0: the derivative of relu; its own derivative is zero. */
  step: Nothing;
  /** The same values, taken as a constant by every derivative. */
  stop: Nothing;
  // Elementwise, two inputs of equal shape
  add: Nothing;
  subtract: Nothing;
  multiply: Nothing;
  divide: Nothing;
  // Shape
  /** Sum over `axes`, which stay as axes of size 1. */
  sum: { readonly axes: readonly number[] };
  /** Repeats axes of size 1 up to `shape`; the rank stays. */
  broadcast: { readonly shape: readonly number[] };
  reshape: { readonly shape: readonly number[] };
  transpose: { readonly permutation: readonly number[] };
  concat: { readonly axis: number };
  slice: { readonly axis: number; readonly start: number; readonly size: number };
  /** One axis backwards: its own inverse and transpose. */
  mirror: { readonly axis: number };
  /** Zeros before and after along one axis. */
  pad: { readonly axis: number; readonly before: number; readonly after: number };
  // Products
  /** Batched product of the last two axes, each optionally transposed; batch axes are equal. */
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean };
  /** Inverse of symmetric positive definite matrices [..., n, n]; of any other matrix the value is undefined. */
  inverse: Nothing;
  /** x [n, c, h, w] * w [o, c/groups, k, k] -> [n, o, h', w']. */
  conv: Convolution;
  /** g [n, o, h', w'], w [o, c/groups, k, k] -> [n, c, h, w]: the transpose of `conv` in x. */
  convInputGradient: Convolution & { readonly inputSize: readonly [number, number] };
  /** x [n, c, h, w], g [n, o, h', w'] -> [o, c/groups, k, k]: the transpose of `conv` in w. */
  convFilterGradient: Convolution & { readonly kernel: readonly [number, number] };
  // Pooling over planes [n, c, h, w]
  maxPool: Pooling;
  /** Flat index into x of each maximum (the first one of equals); not differentiable. */
  maxPoolIndex: Pooling;
  /** Values of u [n, c, h, w] at indices [n, c, h', w']. */
  poolGather: Nothing;
  /** Adds g [n, c, h', w'] into zeros [n, c, h, w] at indices. */
  poolScatter: { readonly inputSize: readonly [number, number] };
  /** Mean over the part of the window inside the image (padding is not counted). */
  averagePool: Pooling;
  /** The transpose of `averagePool`. */
  averagePoolGradient: Pooling & { readonly inputSize: readonly [number, number] };
  // Last axis
  /** (x - mean) / sqrt(variance + epsilon) over the last axis, biased variance. */
  normalize: { readonly epsilon: number };
  /** 1 / sqrt(variance + epsilon) over the last axis, which stays with size 1. */
  inverseDeviation: { readonly epsilon: number };
  logSoftmax: Nothing;
}

/** Attributes of a primitive that has none. */
export type Nothing = Readonly<Record<string, never>>;

/** Square kernels; equal stride, zero padding and dilation on both axes. */
export interface Convolution {
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
}

export interface Pooling {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

export type Primitive = keyof PrimitiveAttributes;

/** A node of a graph: one primitive applied to earlier nodes, with a static shape. */
export interface Tensor<P extends Primitive = Primitive> {
  /** Position in the graph; inputs always have smaller ids. */
  readonly id: number;
  readonly primitive: P;
  readonly inputs: readonly Tensor[];
  readonly attributes: PrimitiveAttributes[P];
  readonly shape: readonly number[];
  readonly graph: GraphBuilder;
}

/** What operations need of the graph that owns their inputs. */
export interface GraphBuilder {
  input(name: string, shape: readonly number[]): Tensor;
  node<P extends Primitive>(
    primitive: P,
    inputs: readonly Tensor[],
    attributes: PrimitiveAttributes[P],
  ): Tensor;
  constant(data: Float64Array | readonly number[], shape: readonly number[]): Tensor;
}

/** One rule per primitive, for a concern whose rules have the signature (node, ...rest) => result. */
export type PrimitiveTable<Rest extends readonly unknown[], Result> = {
  readonly [P in Primitive]: (node: Tensor<P>, ...rest: Rest) => Result;
};

/** Applies the rule that `table` has for the node's primitive. */
export function applyRule<Rest extends readonly unknown[], Result>(
  table: PrimitiveTable<Rest, Result>,
  node: Tensor,
  ...rest: Rest
): Result {
  const rule = table[node.primitive] as unknown as (node: Tensor, ...rest: Rest) => Result;
  return rule(node, ...rest);
}

/** A graph that cannot be built: shapes or attributes that do not fit. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
}
