import { readInputs } from './broadcasts.ts';
import type { GraphFunction } from './graph.ts';
import type { Tensor } from './primitives.ts';
import { sizeOf } from './shapes.ts';

const elementBytes = 4;

/** What a function's values take while it runs, in bytes. */
export interface GraphMemory {
  /** Of its inputs, which the caller holds for as long as it runs. */
  readonly inputs: number;
  /** Of all other values that are alive at the same time, at most. */
  readonly peak: number;
}

/**
 * The memory that onnxruntime needs for the values of a function, counted without running it: in the order in which it
 * computes nodes, each value freed after its last reader. Reshapes take none. What a kernel needs for itself, and what an
 * allocator keeps, come on top.
 */
export function graphMemory({ outputs }: GraphFunction): GraphMemory {
  const roots = Object.values(outputs);
  const order = computingOrder(roots);
  const values = order.filter((node) => ownerOf(node) === node && node.primitive !== 'constant');
  const inputs = values.filter(({ primitive }) => primitive === 'input');
  const ends = endsOf(order, roots);
  let [alive, peak] = [0, 0];
  for (const node of order) {
    if (ownerOf(node) === node && !isLeaf(node)) alive += bytesOf(node);
    peak = Math.max(peak, alive);
    for (const ended of ends.get(node) ?? []) alive -= bytesOf(ended);
  }
  return { inputs: inputs.reduce((sum, node) => sum + bytesOf(node), 0), peak };
}

const bytesOf = ({ shape }: Tensor): number => elementBytes * sizeOf(shape);
const isLeaf = ({ primitive }: Tensor): boolean => primitive === 'input' || primitive === 'constant';

/** The node whose memory a node's value lies in. */
function ownerOf(node: Tensor): Tensor {
  let owner = node;
  while (owner.primitive === 'reshape') owner = owner.inputs[0]!;
  return owner;
}

/**
 * The order in which onnxruntime computes what the roots depend on: depth first from the last root to the first, a node's
 * inputs from the last to the first that was built, and a node after all of them.
 */
function computingOrder(roots: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  const pending: { readonly node: Tensor; readonly leave: boolean }[] = roots.map((node) => ({
    node,
    leave: false,
  }));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, leave } = next;
    if (leave) order.push(node);
    if (leave || seen.has(node)) continue;
    seen.add(node);
    pending.push({ node, leave: true });
    for (const input of [...readInputs(node)].sort((a, b) => a.id - b.id))
      if (!seen.has(input)) pending.push({ node: input, leave: false });
  }
  return order;
}

/** By the node that reads them last, the values that are not needed after it; those of roots always are. */
function endsOf(order: readonly Tensor[], roots: readonly Tensor[]): Map<Tensor, Tensor[]> {
  const last = new Map<Tensor, Tensor>();
  for (const node of order) for (const input of readInputs(node)) last.set(ownerOf(input), node);
  const kept = new Set(roots.map(ownerOf));
  const ends = new Map<Tensor, Tensor[]>();
  for (const [value, node] of last) {
    if (kept.has(value) || isLeaf(value)) continue;
    ends.set(node, [...(ends.get(node) ?? []), value]);
  }
  return ends;
}
