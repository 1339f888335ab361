import type { OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';
import { TrunkError } from './trunk.ts';

/**
 * The part of a trunk that computes the given taps, and nothing else: its outputs are the taps, in the trunk's own
 * order, and `taps` of its metadata names them. Nodes and initializers keep their order, so the same taps in any order
 * give the same graph.
 * @throws TrunkError when no tap is given, or one that the trunk does not have
 */
export function cutTrunk(trunk: OnnxModel, taps: readonly string[]): OnnxModel {
  const wanted = new Set(taps);
  const outputs = trunk.outputs.filter(({ name }) => wanted.delete(name));
  const known = trunk.outputs.map(({ name }) => name).join(', ');
  for (const name of wanted) throw new TrunkError(`there is no tap ${name}; the trunk has ${known}`);
  if (outputs.length === 0) throw new TrunkError('no tap is given');
  const read = new Set(outputs.map(({ name }) => name));
  const nodes = nodesFor(trunk.nodes, read);
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const inner = [...(trunk.values ?? []), ...trunk.outputs.filter((output) => !outputs.includes(output))];
  return {
    ...trunk,
    nodes,
    outputs,
    initializers: trunk.initializers.filter(({ name }) => read.has(name)),
    values: inner.filter(({ name }) => made.has(name)),
    metadata: { ...trunk.metadata, taps: JSON.stringify(outputs.map(({ name }) => name)) },
  };
}

/** The nodes that make what is read, in their order; adds what they read themselves. */
function nodesFor(nodes: readonly OnnxNode[], read: Set<string>): OnnxNode[] {
  const needed = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => read.has(output))) return false;
    node.inputs.filter((input) => input !== '').forEach((input) => read.add(input));
    return true;
  });
  return needed.reverse();
}
