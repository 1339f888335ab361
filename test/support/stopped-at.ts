import { topological } from '../../model/graph/graph.ts';
import type { Tensor } from '../../model/graph/primitives.ts';
import { evaluate } from '../../model/graph/reference/interpreter.ts';

/**
 * The loss with numbers where a derivative stops, as at BMAML's leader: differences of this one are what the derivative
 * belongs to.
 */
export function stoppedAt(point: Readonly<Record<string, Float64Array>>, loss: Tensor): Tensor {
  const nodes = topological([loss]);
  const stops = nodes.filter(({ primitive }) => primitive === 'stop');
  const values = evaluate(stops, point);
  const replaced = new Map(stops.map((node, i) => [node, node.graph.constant(values[i]!, node.shape)]));
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => replaced.get(input)!);
    const moved = inputs.some((input, i) => input !== node.inputs[i]);
    const own = (): Tensor => (moved ? node.graph.node(node.primitive, inputs, node.attributes) : node);
    if (!replaced.has(node)) replaced.set(node, own());
  }
  return replaced.get(loss)!;
}
