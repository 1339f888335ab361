import type { OnnxInitializer, OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';

/** The nodes that read each tensor. A graph output is no node: it is asked for by `isOutput`. */
export function readersOf({ nodes }: Pick<OnnxModel, 'nodes'>): ReadonlyMap<string, readonly OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes)
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
  return readers;
}

/** The one node that reads a tensor; undefined where several do, or none, or it is an output of the graph. */
export function onlyReader(
  name: string,
  readers: ReadonlyMap<string, readonly OnnxNode[]>,
  { outputs }: Pick<OnnxModel, 'outputs'>,
): OnnxNode | undefined {
  const [reader, ...others] = readers.get(name) ?? [];
  return others.length === 0 && outputs.every((output) => output.name !== name) ? reader : undefined;
}

/** The values of an initializer of floats or of small integers. */
export const numbersOf = ({ data }: OnnxInitializer): number[] =>
  Array.from(data as ArrayLike<number>, Number);
