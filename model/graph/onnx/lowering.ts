import { topological } from '../graph.ts';
import type { GraphFunction } from '../graph.ts';
import { applyRule, GraphError } from '../primitives.ts';
import type { Tensor } from '../primitives.ts';
import { sameShape } from '../shapes.ts';
import type { Shape } from '../shapes.ts';
import { encodeModel } from './encode.ts';
import type { OnnxValueInfo } from './encode.ts';
import { Emitter } from './emitter.ts';
import { loweringRules } from './rules.ts';

export interface LoweringOptions {
  /** Name of a symbolic first axis of all inputs and outputs; without it, shapes are static. */
  readonly dynamicBatch?: string;
  /** Only standard ONNX operators: for files that other runtimes and providers run. */
  readonly portable?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly documentation?: string;
}

/** The highest opset that the exported files may use (LayerNormalization came with it). */
const opset = 17;

/**
 * Lowers a graph function to the bytes of an ONNX model. The same function gives the same bytes.
 * Throws GraphError where a dynamic batch axis would be lost in a reshape.
 */
export function toOnnx({ name, outputs }: GraphFunction, options: LoweringOptions = {}): Uint8Array {
  const roots = Object.values(outputs);
  const order = effectiveOrder(roots);
  const emitter = new Emitter(order, options);
  for (const node of order) {
    if (node.primitive === 'input') emitter.bind(node, (node as Tensor<'input'>).attributes.name);
    else emitter.bind(node, applyRule(loweringRules, node, emitter, effectiveInputs(node)));
  }
  for (const [output, tensor] of Object.entries(outputs))
    emitter.emitAs(output, 'Identity', [emitter.nameOf(tensor)]);
  const dimensions = (shape: Shape): (number | string)[] =>
    shape.map((axis, i) => (i === 0 && options.dynamicBatch ? options.dynamicBatch : axis));
  const describe = (label: string, tensor: Tensor): OnnxValueInfo => ({
    name: label,
    shape: dimensions(tensor.shape),
  });
  const inputs = order.filter((node): node is Tensor<'input'> => node.primitive === 'input');
  return encodeModel({
    name,
    opset,
    ...(emitter.usesContributed ? { domains: [{ domain: 'com.microsoft', version: 1 }] } : {}),
    nodes: emitter.nodes,
    initializers: emitter.initializers,
    inputs: inputs.map((node) => describe(node.attributes.name, node)),
    outputs: Object.entries(outputs).map(([label, tensor]) => describe(label, tensor)),
    ...(options.metadata ? { metadata: options.metadata } : {}),
    ...(options.documentation ? { documentation: options.documentation } : {}),
  });
}

const raw = (tensor: Tensor): Tensor => (tensor.primitive === 'broadcast' ? tensor.inputs[0]! : tensor);

function broadcastShape(a: Shape, b: Shape): Shape {
  return a.map((axis, i) => Math.max(axis, b[i]!));
}

/** MatMul broadcasts its batch axes; one of the operands must keep each axis whole, so only [1, ...] is dropped. */
function withoutBatchBroadcast(tensor: Tensor, position: number, operands: readonly Tensor[]): Tensor {
  const from = raw(tensor);
  const other = operands[1 - position]!;
  const free = from.shape.every(
    (axis, i) => axis === tensor.shape[i] || (i < from.shape.length - 2 && raw(other) === other),
  );
  return free ? from : tensor;
}

const elementwise: ReadonlySet<string> = new Set(['add', 'subtract', 'multiply', 'divide']);

/** ONNX broadcasts the operands of elementwise operators by itself: explicit broadcasts of them are dropped. */
function effectiveInputs(node: Tensor): readonly Tensor[] {
  if (node.primitive === 'matmul') return node.inputs.map(withoutBatchBroadcast);
  if (!elementwise.has(node.primitive)) return node.inputs;
  const [a, b] = node.inputs as readonly [Tensor, Tensor];
  const candidates = [
    [raw(a), raw(b)],
    [raw(a), b],
    [a, raw(b)],
  ] as const;
  return candidates.find(([x, y]) => sameShape(broadcastShape(x.shape, y.shape), node.shape)) ?? node.inputs;
}

function effectiveOrder(roots: readonly Tensor[]): Tensor[] {
  const needed = new Set<Tensor>(roots);
  const all = topological(roots);
  for (const node of all.reverse()) {
    if (needed.has(node)) for (const input of effectiveInputs(node)) needed.add(input);
  }
  const order = all.reverse().filter((node) => needed.has(node));
  if (order.length === 0) throw new GraphError('a graph function needs an output');
  return order;
}
