import type { OnnxInitializer, OnnxModel, OnnxNode, OnnxValueInfo } from '../graph/onnx/encode.ts';
import { cutTrunk } from './cut.ts';
import { float } from './float32.ts';
import { TrunkError, trunkInput } from './trunk.ts';

/** Of every name of the trunk's nodes, tensors and metadata in a spliced file, but for its input's. */
export const trunkPrefix = 'trunk/';

/** Of the names of what computes a mirror image's planes, which shares the weights. */
export const mirrorPrefix = 'trunk-mirror/';

/** Which input of the child each tap feeds. */
export type Reads = Readonly<Record<string, string>>;

/**
 * One model from pixels to the child's outputs: the trunk, cut to the taps that are read, and behind it the child's
 * nodes, unchanged but for the names of the inputs that taps replace. `reads` says which input each tap replaces.
 * The child may read `image` too. Its metadata stay; the trunk's are added under {@link trunkPrefix}.
 *
 * With `mirrorReads` the trunk also runs on the mirror image, left to right, by nodes of its own that share its weights:
 * a batch that is doubled and parted again, or a slice backwards, is more than some runtimes follow.
 *
 * @throws TrunkError when operator sets or shapes differ, an input of the child is left unfed, or one of the child's
 *   names begins like the trunk's
 */
export function spliceTrunk(
  trunk: OnnxModel,
  child: OnnxModel,
  reads: Reads,
  mirrorReads: Reads = {},
): OnnxModel {
  const front = prefixed(cutTrunk(trunk, [...Object.keys(reads), ...Object.keys(mirrorReads)]), trunkPrefix);
  const other = Object.keys(mirrorReads).length > 0 ? mirrorBranch(trunk, Object.keys(mirrorReads)) : null;
  checkSets(front, child);
  checkNames(child);
  const feeding = new Map([...feeds(reads, trunkPrefix), ...feeds(mirrorReads, mirrorPrefix)]);
  checkInputs([...front.inputs, ...front.outputs, ...(other?.outputs ?? [])], child, feeding);
  const rename = (name: string): string => feeding.get(name) ?? name;
  const domains = new Map(
    [...(front.domains ?? []), ...(child.domains ?? [])].map((set) => [set.domain, set]),
  );
  const told = [front, ...(other ? [other] : [])].flatMap(({ values = [], outputs }) => [
    ...values,
    ...outputs,
  ]);
  const metadata = { ...front.metadata, ...child.metadata };
  const nodes = child.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) }));
  return {
    name: child.name,
    nodes: [...front.nodes, ...(other?.nodes ?? []), ...nodes],
    initializers: [...front.initializers, ...(other?.initializers ?? []), ...child.initializers],
    inputs: front.inputs,
    outputs: child.outputs,
    values: [...told, ...(child.values ?? [])],
    opset: child.opset,
    ...(domains.size > 0 && { domains: [...domains.values()] }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(child.documentation !== undefined && { documentation: child.documentation }),
  };
}

const feeds = (reads: Reads, prefix: string): [input: string, source: string][] =>
  Object.entries(reads).map(([tap, input]) => [input, prefix + tap]);

/** The trunk with all its names prefixed but its input's. */
function prefixed(trunk: OnnxModel, prefix: string): OnnxModel {
  const rename = (name: string): string => (name === '' || name === trunkInput ? name : prefix + name);
  const named = <T extends { readonly name: string }>(each: T): T => ({ ...each, name: rename(each.name) });
  const metadata = Object.entries(trunk.metadata ?? {}).map(([key, value]) => [prefix + key, value]);
  const node = (each: OnnxNode): OnnxNode => ({
    ...each,
    inputs: each.inputs.map(rename),
    outputs: each.outputs.map(rename),
    ...(each.name !== undefined && { name: prefix + each.name }),
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

/** What computes the taps of the mirror image from `image` and the weights of the trunk's own nodes. */
function mirrorBranch(trunk: OnnxModel, taps: readonly string[]): OnnxModel {
  const cut = cutTrunk(trunk, taps);
  const constant = new Set(cut.initializers.map(({ name }) => name));
  for (const { inputs, outputs } of cut.nodes)
    if (inputs.every((name) => name === '' || constant.has(name)))
      outputs.forEach((name) => constant.add(name));
  const image = cut.inputs[0]!;
  const mirrored = mirrorPrefix + trunkInput;
  const rename = (name: string): string => {
    if (name === '') return name;
    return (constant.has(name) ? trunkPrefix : mirrorPrefix) + name;
  };
  const nodes = cut.nodes
    .filter(({ outputs }) => !outputs.every((name) => constant.has(name)))
    .map((node): OnnxNode => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
      ...(node.name !== undefined && { name: mirrorPrefix + node.name }),
    }));
  const exchange = exchangeMatrix(image.shape.at(-1));
  const values = (cut.values ?? []).filter(({ name }) => !constant.has(name));
  const named = (each: OnnxValueInfo): OnnxValueInfo => ({ ...each, name: rename(each.name) });
  return {
    ...cut,
    nodes: [...mirroringNodes(exchange.name, mirrored), ...nodes],
    initializers: [exchange],
    outputs: cut.outputs.map(named),
    values: [{ ...image, name: mirrored }, ...values.map(named)],
  };
}

/** The nodes that make `mirrored` of the image and the exchange matrix. */
const mirroringNodes = (exchange: string, mirrored: string): OnnxNode[] => [
  {
    name: `${exchange}.cast`,
    operator: 'Cast',
    inputs: [exchange],
    outputs: [`${mirrored}.exchange`],
    attributes: { to: { kind: 'int', value: float } },
  },
  {
    name: `${mirrored}.product`,
    operator: 'MatMul',
    inputs: [trunkInput, `${mirrored}.exchange`],
    outputs: [mirrored],
  },
];

/** The matrix that turns rows of `size` pixels around: ones from the upper right to the lower left; in float16. */
function exchangeMatrix(size: number | string | undefined): OnnxInitializer {
  if (typeof size !== 'number') throw new TrunkError('the side of the trunk is not told');
  const one = 0x3c00;
  const data = Uint16Array.from({ length: size ** 2 }, (_, i) =>
    Math.floor(i / size) + (i % size) === size - 1 ? one : 0,
  );
  return { name: `${mirrorPrefix}exchange.float16`, shape: [size, size], data };
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
    (name) => isTrunks(name) || (name === trunkInput && made.includes(name)),
  );
  if (taken !== undefined) throw new TrunkError(`the child's ${taken} is named like a part of the trunk`);
}

const isTrunks = (name: string): boolean =>
  [trunkPrefix, mirrorPrefix].some((prefix) => name.startsWith(prefix));

function checkInputs(
  sources: readonly OnnxValueInfo[],
  child: OnnxModel,
  feeding: ReadonlyMap<string, string>,
): void {
  for (const input of feeding.keys())
    if (!child.inputs.some(({ name }) => name === input))
      throw new TrunkError(`the child has no input ${input}`);
  for (const input of child.inputs) {
    const source = sources.find(({ name }) => name === (feeding.get(input.name) ?? input.name));
    if (!source) throw new TrunkError(`no tap feeds the child's input ${input.name}`);
    if (describe(source) !== describe(input))
      throw new TrunkError(
        `the child's input ${input.name} is ${describe(input)}, ${source.name} is ${describe(source)}`,
      );
  }
}

const describe = ({ type = 'float', shape }: OnnxValueInfo): string => `${type} [${shape.join(', ')}]`;
