import type { OnnxInitializer, OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';
import { numbersOf, onlyReader, readersOf } from './readers.ts';

/** What stands behind a convolution and is folded into it. */
interface Tail {
  readonly nodes: readonly OnnxNode[];
  /** of the last one, or of the convolution itself */
  readonly output: string;
  /** names of the constants, in their order */
  readonly constants: readonly string[];
}

/**
 * The same network with constant factors and offsets by channel, `Mul` and `Add` behind a convolution that nothing else
 * reads, in its weights and biases. A tail that two convolutions of the same weights have in common is folded once.
 */
export function withFoldedScales(model: OnnxModel): OnnxModel {
  const readers = readersOf(model);
  const constants = new Map(model.initializers.map((each) => [each.name, each]));
  const folded = new Map<string, OnnxInitializer>();
  const dropped = new Set<OnnxNode>();
  const replaced = new Map<OnnxNode, OnnxNode>();
  for (const node of model.nodes) {
    if (node.operator !== 'Conv') continue;
    const tail = tailOf(node, model, readers, constants);
    if (tail.nodes.length === 0) continue;
    const [input, kernels, biases] = node.inputs as [string, string, string?];
    const name = [kernels, ...tail.constants].join('+');
    const made = foldedWeights(
      constants.get(kernels)!,
      biases === undefined ? undefined : constants.get(biases),
      tail,
      constants,
    );
    const names = [`${name}.kernels`, ...(made.biases ? [`${name}.biases`] : [])];
    folded.set(names[0]!, { ...made.kernels, name: names[0]! });
    if (made.biases) folded.set(names[1]!, { ...made.biases, name: names[1]! });
    replaced.set(node, { ...node, inputs: [input, ...names], outputs: [tail.output] });
    for (const each of tail.nodes) dropped.add(each);
  }
  const nodes = model.nodes.flatMap((node) => (dropped.has(node) ? [] : [replaced.get(node) ?? node]));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const initializers = [...model.initializers, ...folded.values()].filter(({ name }) => read.has(name));
  return { ...model, nodes, initializers };
}

function tailOf(
  { inputs, outputs }: OnnxNode,
  model: OnnxModel,
  readers: ReturnType<typeof readersOf>,
  constants: ReadonlyMap<string, OnnxInitializer>,
): Tail {
  const channels = constants.get(inputs[1]!)?.shape[0];
  const nodes: OnnxNode[] = [];
  const names: string[] = [];
  let output = outputs[0]!;
  for (;;) {
    const reader = onlyReader(output, readers, model);
    if (channels === undefined || !reader || !['Mul', 'Add'].includes(reader.operator)) break;
    const other = reader.inputs.find((name) => name !== output);
    const constant = other === undefined ? undefined : constants.get(other);
    if (!constant || !isByChannel(constant, channels)) break;
    nodes.push(reader);
    names.push(constant.name);
    output = reader.outputs[0]!;
  }
  return { nodes, output, constants: names };
}

/** Whether a constant has one number, or one a channel of planes [n, c, h, w]. */
const isByChannel = ({ shape, data }: OnnxInitializer, channels: number): boolean =>
  data instanceof Float32Array &&
  (data.length === 1 || (data.length === channels && shape.length === 4 && shape[1] === channels));

/** In double precision up to the end, so that a fold rounds once. */
function foldedWeights(
  kernels: OnnxInitializer,
  biases: OnnxInitializer | undefined,
  { nodes, constants: names }: Tail,
  constants: ReadonlyMap<string, OnnxInitializer>,
): { readonly kernels: OnnxInitializer; readonly biases?: OnnxInitializer } {
  const channels = kernels.shape[0]!;
  const length = kernels.data.length / channels;
  const factors = new Float64Array(channels).fill(1);
  const offsets = Float64Array.from(biases ? numbersOf(biases) : new Float64Array(channels));
  nodes.forEach(({ operator }, i) => {
    const values = numbersOf(constants.get(names[i]!)!);
    for (let c = 0; c < channels; c++) {
      const value = values[values.length === 1 ? 0 : c]!;
      if (operator === 'Add') offsets[c]! += value;
      else {
        factors[c]! *= value;
        offsets[c]! *= value;
      }
    }
  });
  const data = Float32Array.from(numbersOf(kernels), (value, i) => value * factors[Math.floor(i / length)]!);
  const offset = biases !== undefined || nodes.some(({ operator }) => operator === 'Add');
  return {
    kernels: { ...kernels, data },
    ...(offset && { biases: { name: '', shape: [channels], data: Float32Array.from(offsets) } }),
  };
}
