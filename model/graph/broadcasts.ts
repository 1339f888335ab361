import { topological } from './graph.ts';
import { GraphError } from './primitives.ts';
import type { Tensor } from './primitives.ts';
import { sameShape } from './shapes.ts';
import type { Shape } from './shapes.ts';

const raw = (tensor: Tensor): Tensor => (tensor.primitive === 'broadcast' ? tensor.inputs[0]! : tensor);

function broadcastShape(a: Shape, b: Shape): Shape {
  return a.map((axis, i) => Math.max(axis, b[i]!));
}

/** A product broadcasts its batch axes; one of the operands must keep each axis whole, so only [1, ...] is dropped. */
function withoutBatchBroadcast(tensor: Tensor, position: number, operands: readonly Tensor[]): Tensor {
  const from = raw(tensor);
  const other = operands[1 - position]!;
  const free = from.shape.every(
    (axis, i) => axis === tensor.shape[i] || (i < from.shape.length - 2 && raw(other) === other),
  );
  return free ? from : tensor;
}

const elementwise: ReadonlySet<string> = new Set(['add', 'subtract', 'multiply', 'divide']);

/**
 * What a node reads where the runtime broadcasts by itself, as ONNX and tfjs do for the operands of elementwise
 * operations and of products: explicit broadcasts of those are skipped.
 */
export function readInputs(node: Tensor): readonly Tensor[] {
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

/** The nodes that `roots` depend on through `readInputs`, inputs before users. Throws GraphError without a root. */
export function orderWithoutBroadcasts(roots: readonly Tensor[]): Tensor[] {
  const needed = new Set<Tensor>(roots);
  const all = topological(roots);
  for (const node of all.reverse()) {
    if (needed.has(node)) for (const input of readInputs(node)) needed.add(input);
  }
  const order = all.reverse().filter((node) => needed.has(node));
  if (order.length === 0) throw new GraphError('a graph function needs an output');
  return order;
}
