import type { OnnxInitializer, OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';
import { foldedModel, rangesOf, withoutRanges } from './ranges.ts';
import type { Range } from './ranges.ts';
import { numbersOf, onlyReader, readersOf } from './readers.ts';
import { roundedTensors } from './rounded-tensors.ts';
import { withShortNames } from './short-names.ts';

/** Zero points: of what is nowhere negative, and of all else. */
const zeroPoints = { low: -128, middle: 0 } as const;

/**
 * A file's twin of 8-bit integers in ONNX's QDQ form: `QuantizeLinear` and `DequantizeLinear` stand behind every tensor
 * that is rounded, weights are stored as int8, biases as int32. A runtime with 8-bit arithmetic joins them, any other
 * computes the rounded numbers in floats. Planes are int8, since OpenCV reads no other zero points right. Kernels that read one
 * channel have a scale for each, others one for all: a scale a channel costs bytes and brought nothing that was measured.
 * @returns undefined where the file tells no ranges
 */
export function withInt8Weights(model: OnnxModel): OnnxModel | undefined {
  const folded = foldedModel(model);
  const names = roundedTensors(folded);
  const ranges = rangesOf(model, names);
  if (!ranges) return undefined;
  const { nodes, initializers } = new Rounding(folded, ranges);
  const metadata = { ...withoutRanges(model), weights: 'int8' };
  return withShortNames({ ...folded, nodes, initializers, metadata });
}

/** How a tensor is rounded: its scale, and the names of that and of its zero point. */
interface Parameters {
  readonly scale: number;
  readonly names: readonly [string, string];
}

class Rounding {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  readonly #constants: ReadonlyMap<string, OnnxInitializer>;
  readonly #ranges: ReadonlyMap<string, Range>;
  readonly #rounded = new Map<string, Parameters>();
  /** by weights: their scales, one or one a channel */
  readonly #weights = new Map<string, Float32Array>();

  constructor(model: OnnxModel, ranges: ReadonlyMap<string, Range>) {
    this.#constants = new Map(model.initializers.map((each) => [each.name, each]));
    this.#ranges = ranges;
    for (const [name, value] of Object.entries(zeroPoints))
      this.initializers.push({ name, shape: [], data: Int8Array.of(value) });
    for (const { name } of model.inputs) this.#round(name);
    const saturated = saturatedOf(model, ranges);
    for (const node of model.nodes) this.#add(node, saturated);
    const read = new Set(this.nodes.flatMap(({ inputs }) => inputs));
    for (const each of model.initializers) if (read.has(each.name)) this.initializers.push(each);
  }

  #add(node: OnnxNode, saturated: ReadonlyMap<OnnxNode, string>): void {
    const { operator, inputs, outputs } = node;
    if (saturated.get(node) === inputs[0]) return; // the ReLU itself, whose tensor the convolution gives
    const output = saturated.get(node) ?? outputs[0]!;
    const [first, weights, biases] = inputs as [string, string?, string?];
    const constant = weights === undefined ? undefined : this.#constants.get(weights);
    const read = inputs.map((name) => this.#read(name));
    if (constant && (operator === 'Conv' || operator === 'MatMul')) {
      read[1] = this.#roundWeights(constant, operator);
      if (biases !== undefined) read[2] = this.#roundBiases(biases, first, constant.name, output);
    }
    this.nodes.push({ ...node, inputs: read, outputs: [output, ...outputs.slice(1)] });
    // the largest of rounded values is one of them; OpenCV 5 reads it with these parameters alone
    const kept = operator === 'MaxPool' ? this.#rounded.get(first) : undefined;
    if (kept) this.#roundTo(output, kept);
    else this.#round(output);
  }

  readonly #read = (name: string): string => (this.#rounded.has(name) ? `${name}.rounded` : name);

  /** Puts a tensor that has a range through 8 bits. */
  #round(name: string): void {
    const range = this.#ranges.get(name);
    if (!range) return;
    const [low, high] = range;
    const scale = Math.fround((low < 0 ? Math.max(-low, high) / 127 : high / 255) || 1);
    this.initializers.push({ name: `${name}.scale`, shape: [], data: Float32Array.of(scale) });
    this.#roundTo(name, { scale, names: [`${name}.scale`, low < 0 ? 'middle' : 'low'] });
  }

  #roundTo(name: string, parameters: Parameters): void {
    this.#rounded.set(name, parameters);
    this.#push('QuantizeLinear', [name, ...parameters.names], `${name}.int8`);
    this.#push('DequantizeLinear', [`${name}.int8`, ...parameters.names], `${name}.rounded`);
  }

  /** The weights of a convolution or a product; where two share them, once. */
  #roundWeights(weights: OnnxInitializer, operator: 'Conv' | 'MatMul'): string {
    const { name, shape } = weights;
    const rounded = `${name}.rounded`;
    if (this.#weights.has(name)) return rounded;
    const values = numbersOf(weights);
    const length = values.length / shape[0]!;
    const columns = shape.at(-1)!;
    const [channels, channelOf] =
      operator === 'MatMul'
        ? [columns, (i: number) => i % columns] // by output, as that of a convolution
        : shape[1] === 1
          ? [shape[0]!, (i: number) => Math.floor(i / length)]
          : [1, () => 0];
    const most = new Float64Array(channels);
    values.forEach((value, i) => (most[channelOf(i)] = Math.max(most[channelOf(i)]!, Math.abs(value))));
    const scales = Float32Array.from(most, (value) => value / 127 || 1);
    this.#weights.set(name, scales);
    const integers = Int8Array.from(values, (value, i) => nearest(value / scales[channelOf(i)]!));
    this.initializers.push({ name: `${name}.int8`, shape, data: integers });
    this.#dequantize(name, scales, operator === 'Conv' ? 0 : 1);
    return rounded;
  }

  /** Of a convolution: its biases have the scale of the products that they are added to. */
  #roundBiases(biases: string, input: string, weights: string, output: string): string {
    const own = this.#constants.get(biases)!;
    const scales = this.#weights.get(weights)!.map((scale) => scale * this.#rounded.get(input)!.scale);
    const scaleOf = (i: number) => scales[scales.length === 1 ? 0 : i]!;
    const name = `${output}.biases`;
    const most = 2 ** 31 - 1;
    const integers = Int32Array.from(numbersOf(own), (value, i) =>
      Math.max(-most, Math.min(most, nearest(value / scaleOf(i)))),
    );
    this.initializers.push({ name: `${name}.int8`, shape: own.shape, data: integers });
    this.#dequantize(name, scales, 0);
    return `${name}.rounded`;
  }

  /** Without zero points, which OpenCV 5 reads wrong where scales are several; they are 0 then. */
  #dequantize(name: string, scales: Float32Array, axis: number): void {
    const shape = scales.length === 1 ? [] : [scales.length];
    this.initializers.push({ name: `${name}.scale`, shape, data: scales });
    const along =
      scales.length === 1 || axis === 1
        ? {}
        : { attributes: { axis: { kind: 'int', value: axis } as const } };
    this.#push('DequantizeLinear', [`${name}.int8`, `${name}.scale`], `${name}.rounded`, along);
  }

  #push(operator: string, inputs: string[], output: string, more: Pick<OnnxNode, 'attributes'> = {}): void {
    this.nodes.push({ operator, inputs, outputs: [output], ...more });
  }
}

/**
 * ReLUs that rounding does by itself, since what is below its range becomes its end, 0: each with the tensor that it reads,
 * and what computes that with the tensor that it then gives.
 */
function saturatedOf(model: OnnxModel, ranges: ReadonlyMap<string, Range>): Map<OnnxNode, string> {
  const readers = readersOf(model);
  const saturated = new Map<OnnxNode, string>();
  for (const node of model.nodes) {
    const made = node.outputs[0]!;
    const reader = onlyReader(made, readers, model);
    if (node.operator !== 'Conv' || reader?.operator !== 'Relu' || !ranges.has(reader.outputs[0]!)) continue;
    saturated.set(node, reader.outputs[0]!);
    saturated.set(reader, made);
  }
  return saturated;
}

/** Half to even, as `QuantizeLinear` rounds. */
function nearest(value: number): number {
  const below = Math.floor(value);
  const over = value - below;
  if (over === 0.5) return below % 2 === 0 ? below : below + 1;
  return over < 0.5 ? below : below + 1;
}
