import { InferenceSession, Tensor } from 'onnxruntime-node';
import { executionProviders, nodesForCpu } from '../../engine/sessions.ts';
import type { Provider } from '../../engine/sessions.ts';
import type { Executor, Program, TensorValue, TensorValues } from '../../model/graph/executor.ts';
import type { GraphFunction } from '../../model/graph/graph.ts';
import { encodeModel } from '../../model/graph/onnx/encode.ts';
import type { OnnxModel, OnnxNode } from '../../model/graph/onnx/encode.ts';
import { toOnnxModel } from '../../model/graph/onnx/lowering.ts';
import { onnx } from '../../model/graph/onnx/proto.js';
import { withoutResultNames, withResultNames } from '../../model/graph/onnx/results.ts';

type Tensors = Readonly<Record<string, Tensor>>;

/** What a value between nodes is made of; booleans never leave their two nodes. */
type Element = 'float' | 'int64' | 'bool';
const elementTypes = { float: onnx.TensorProto.DataType.FLOAT, int64: onnx.TensorProto.DataType.INT64 };
/** Operators whose result is of the type of what they read. */
const passing = ['Reshape', 'Transpose', 'Identity', 'Slice', 'Concat'];
/** What the name of a value begins with, where a node is given what the CPU has computed. */
const given = 'given.';

/** What was found of the graphs that were run. */
export interface ComparedNodes {
  readonly nodes: number;
  /** by operator, the largest difference of an element, relative to the largest element of what the node reads or gives */
  readonly differences: Readonly<Record<string, number>>;
  /** operators, with how many nodes, that are forced onto the CPU */
  readonly onCpu: Readonly<Record<string, number>>;
}

/**
 * Runs graphs on the CPU, and beside that each node by itself on webgpu, from the very values that the CPU has computed: what
 * differs is that node's own doing.
 */
export class NodeComparison implements Executor {
  #nodes = 0;
  readonly #differences = new Map<string, number>();
  readonly #onCpu = new Map<string, number>();

  get found(): ComparedNodes {
    const differences = Object.fromEntries([...this.#differences].filter(([, value]) => value > 0));
    return { nodes: this.#nodes, differences, onCpu: Object.fromEntries(this.#onCpu) };
  }

  program(_key: string, build: () => GraphFunction): Promise<Program> {
    const model = toOnnxModel(withResultNames(build()));
    const run = async (inputs: TensorValues): Promise<Record<string, TensorValue>> => {
      const values = await this.#onBoth(model, inputs);
      const outputs = model.outputs.map(({ name }): [string, TensorValue] => {
        const { data, dims } = values[name]!;
        return [name, { data: data as Float32Array, shape: dims }];
      });
      return withoutResultNames(Object.fromEntries(outputs));
    };
    return Promise.resolve({ run });
  }

  async #onBoth(model: OnnxModel, inputs: TensorValues): Promise<Tensors> {
    const types = typesOf(model.nodes);
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape }]) => [name, new Tensor('float32', data, shape)]),
    );
    const values = await run(withOutputs(model, types), 'cpu', feeds, []);
    const nodes = model.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => (values[name] ? given + name : name)),
    }));
    const read = new Set(nodes.flatMap((node) => node.inputs));
    const more = Object.entries(values).filter(([name]) => read.has(given + name));
    const declared = more.map(([name, { dims }]) => ({
      name: given + name,
      shape: dims,
      type: types.get(name) === 'int64' ? ('int64' as const) : ('float' as const),
    }));
    const apart = { ...model, nodes, inputs: [...model.inputs, ...declared] };
    const both = { ...feeds, ...Object.fromEntries(more.map(([name, value]) => [given + name, value])) };
    const onCpu = nodesForCpu('webgpu', model.nodes);
    const others = await run(withOutputs(apart, types), 'webgpu', both, onCpu);
    this.#compare(model.nodes, { ...feeds, ...values }, others, new Set(onCpu));
    return values;
  }

  #compare(nodes: readonly OnnxNode[], values: Tensors, others: Tensors, onCpu: ReadonlySet<string>): void {
    this.#nodes += nodes.length;
    for (const { operator, name, inputs, outputs } of nodes) {
      if (onCpu.has(name!)) this.#onCpu.set(operator, (this.#onCpu.get(operator) ?? 0) + 1);
      const scale = Math.max(...[...inputs, ...outputs].map((each) => largest(values[each])));
      const difference = Math.max(0, ...outputs.map((each) => distance(values[each], others[each])));
      const relative = scale > 0 ? difference / scale : difference;
      this.#differences.set(operator, Math.max(this.#differences.get(operator) ?? 0, relative));
    }
  }
}

/** Of every value that a node gives. */
function typesOf(nodes: readonly OnnxNode[]): ReadonlyMap<string, Element> {
  const types = new Map<string, Element>();
  for (const { operator, inputs, outputs } of nodes)
    outputs.forEach((output, i) => {
      const passed = passing.includes(operator) ? types.get(inputs[0]!) : undefined;
      const own = operator === 'MaxPool' && i === 1 ? 'int64' : 'float';
      if (output !== '') types.set(output, operator === 'Greater' ? 'bool' : (passed ?? own));
    });
  return types;
}

/** The file of a model whose outputs are all values between its nodes, too; their shapes are for onnxruntime to infer. */
function withOutputs(model: OnnxModel, types: ReadonlyMap<string, Element>): Uint8Array {
  const message = onnx.ModelProto.decode(encodeModel(model));
  message.graph!.output = [...types].flatMap(([name, type]) =>
    type === 'bool' ? [] : [{ name, type: { tensorType: { elemType: elementTypes[type] } } }],
  );
  return onnx.ModelProto.encode(message).finish();
}

async function run(
  file: Uint8Array,
  provider: Extract<Provider, 'cpu' | 'webgpu'>,
  feeds: Tensors,
  onCpu: readonly string[],
): Promise<Tensors> {
  const session = await InferenceSession.create(file, {
    executionProviders: executionProviders(provider, onCpu),
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
  });
  const wanted = session.inputNames.map((name) => [name, feeds[name]!] as const);
  const results = await session.run(Object.fromEntries(wanted));
  await session.release();
  return results;
}

const numbers = (tensor: Tensor | undefined): ArrayLike<number | bigint> =>
  tensor === undefined ? [] : (tensor.data as Float32Array | BigInt64Array);

function largest(tensor: Tensor | undefined): number {
  const data = numbers(tensor);
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(Number(data[i])));
  return most;
}

function distance(one: Tensor | undefined, other: Tensor | undefined): number {
  const [a, b] = [numbers(one), numbers(other)];
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(Number(a[i]) - Number(b[i])));
  return most;
}
