import type { OnnxModel, OnnxNode, OnnxValueInfo } from '../graph/onnx/encode.ts';
import { cutTrunk } from './cut.ts';
import { TrunkError, trunkInput } from './trunk.ts';

/** Of every name of the trunk's nodes, tensors and metadata in a spliced file, but for its input's. */
export const trunkPrefix = 'trunk/';

/**
 * One model from pixels to the child's outputs: the trunk, cut to the taps that are read, and behind it the child's
 * nodes, unchanged but for the names of the inputs that taps replace. `reads` says which input each tap replaces.
 * The child may read `image` too. Its metadata stay; the trunk's are added under {@link trunkPrefix}.
 *
 * @throws TrunkError when operator sets or shapes differ, an input of the child is left unfed, or one of the child's
 *   names begins like the trunk's
 */
export function spliceTrunk(
  trunk: OnnxModel,
  child: OnnxModel,
  reads: Readonly<Record<string, string>>,
): OnnxModel {
  const front = prefixed(cutTrunk(trunk, Object.keys(reads)));
  checkSets(front, child);
  checkNames(child);
  const feeding = new Map(Object.entries(reads).map(([tap, input]) => [input, trunkPrefix + tap]));
  checkInputs(front, child, feeding);
  const rename = (name: string): string => feeding.get(name) ?? name;
  const domains = new Map(
    [...(front.domains ?? []), ...(child.domains ?? [])].map((set) => [set.domain, set]),
  );
  const values = [...(front.values ?? []), ...front.outputs, ...(child.values ?? [])];
  const metadata = { ...front.metadata, ...child.metadata };
  return {
    name: child.name,
    nodes: [...front.nodes, ...child.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) }))],
    initializers: [...front.initializers, ...child.initializers],
    inputs: front.inputs,
    outputs: child.outputs,
    values,
    opset: child.opset,
    ...(domains.size > 0 && { domains: [...domains.values()] }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(child.documentation !== undefined && { documentation: child.documentation }),
  };
}

/** The trunk with all its names prefixed but its input's. */
function prefixed(trunk: OnnxModel): OnnxModel {
  const rename = (name: string): string => (name === '' || name === trunkInput ? name : trunkPrefix + name);
  const named = <T extends { readonly name: string }>(each: T): T => ({ ...each, name: rename(each.name) });
  const metadata = Object.entries(trunk.metadata ?? {}).map(([key, value]) => [trunkPrefix + key, value]);
  const node = (each: OnnxNode): OnnxNode => ({
    ...each,
    inputs: each.inputs.map(rename),
    outputs: each.outputs.map(rename),
    ...(each.name !== undefined && { name: trunkPrefix + each.name }),
  });
  return {
    ...trunk,
    nodes: trunk.nodes.map(node),
    initializers: trunk.initializers.map(named),
    outputs: trunk.outputs.map(named),
    values: (trunk.values ?? []).map(named),
    metadata: Object.fromEntries(metadata) as Record<string, string>,
  };
}

function checkSets(front: OnnxModel, child: OnnxModel): void {
  if (front.opset !== child.opset)
    throw new TrunkError(`the trunk is of opset ${front.opset}, the child of ${child.opset}`);
  for (const { domain, version } of front.domains ?? []) {
    const other = child.domains?.find((each) => each.domain === domain)?.version ?? version;
    if (other !== version)
      throw new TrunkError(`the trunk is of ${domain} ${version}, the child of ${other}`);
  }
}

function checkNames({ nodes, initializers, inputs, metadata = {} }: OnnxModel): void {
  const made = [...nodes.flatMap(({ outputs }) => outputs), ...initializers.map(({ name }) => name)];
  const others = [...inputs, ...nodes].map(({ name = '' }) => name);
  const taken = [...made, ...others, ...Object.keys(metadata)].find(
    (name) => name.startsWith(trunkPrefix) || (name === trunkInput && made.includes(name)),
  );
  if (taken !== undefined) throw new TrunkError(`the child's ${taken} is named like a part of the trunk`);
}

function checkInputs(front: OnnxModel, child: OnnxModel, feeding: ReadonlyMap<string, string>): void {
  for (const input of feeding.keys())
    if (!child.inputs.some(({ name }) => name === input))
      throw new TrunkError(`the child has no input ${input}`);
  for (const input of child.inputs) {
    const source = [...front.outputs, ...front.inputs].find(
      ({ name }) => name === (feeding.get(input.name) ?? input.name),
    );
    if (!source) throw new TrunkError(`no tap feeds the child's input ${input.name}`);
    if (describe(source) !== describe(input))
      throw new TrunkError(
        `the child's input ${input.name} is ${describe(input)}, ${source.name} is ${describe(source)}`,
      );
  }
}

const describe = ({ type = 'float', shape }: OnnxValueInfo): string => `${type} [${shape.join(', ')}]`;
