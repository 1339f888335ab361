import { GraphError } from '../primitives.ts';
import type { Tensor } from '../primitives.ts';
import { sizeOf } from '../shapes.ts';
import type { Shape } from '../shapes.ts';
import type { OnnxAttribute, OnnxInitializer, OnnxNode } from './encode.ts';

export type Attributes = Readonly<Record<string, number | readonly number[] | string>>;

/** Attributes that ONNX declares as float; all other numbers are ints. */
const floats: ReadonlySet<string> = new Set(['epsilon', 'alpha']);

function onnxAttribute(name: string, value: number | readonly number[] | string): OnnxAttribute {
  if (typeof value === 'string') return { kind: 'string', value };
  if (typeof value !== 'number') return { kind: 'ints', value };
  return { kind: floats.has(name) ? 'float' : 'int', value };
}

export interface EmitterOptions {
  readonly dynamicBatch?: string;
  readonly portable?: boolean;
  /** depthwise convolutions by operators of onnxruntime's CPU provider alone (blocked.ts) */
  readonly blocked?: boolean;
}

/** Collects ONNX nodes and initialisers while a graph is lowered. */
export class Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  readonly options: EmitterOptions;
  /** First axis of the graph's inputs. */
  readonly batch: number;
  /** operator sets beside ONNX's own that nodes have been emitted of */
  readonly domains = new Set<string>();
  readonly #names = new Map<Tensor, string>();
  readonly #initializerNames = new Map<string, string>();
  readonly #shared = new Map<string, readonly string[]>();
  readonly #present: ReadonlySet<string>;

  constructor(order: readonly Tensor[], options: EmitterOptions) {
    this.options = options;
    this.batch = order.find(({ primitive }) => primitive === 'input')?.shape[0] ?? 1;
    // constants have no siblings, and a key of all their numbers would take longer than all the rest
    const operations = order.filter(({ primitive }) => primitive !== 'constant');
    this.#present = new Set(operations.map((node) => siblingKey(node, node.primitive)));
  }

  nameOf(tensor: Tensor): string {
    const name = this.#names.get(tensor);
    if (name === undefined) throw new GraphError(`${tensor.primitive} ${tensor.id} has not been lowered`);
    return name;
  }

  bind(tensor: Tensor, name: string): void {
    this.#names.set(tensor, name);
  }

  /** Whether the graph also applies `primitive` to the same inputs with the same attributes. */
  hasSibling(node: Tensor, primitive: Tensor['primitive']): boolean {
    return this.#present.has(siblingKey(node, primitive));
  }

  /** Emits one operator and returns the name of its only output. */
  emit(operator: string, inputs: readonly string[], attributes: Attributes = {}, domain?: string): string {
    return this.emitAs(`t${this.nodes.length}`, operator, inputs, attributes, domain);
  }

  emitAs(
    output: string,
    operator: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    domain?: string,
  ): string {
    this.#push(operator, inputs, [output], attributes, domain);
    return output;
  }

  /** An operator with several outputs that several primitives read: emitted once per `key`. */
  emitShared(
    key: string,
    operator: string,
    inputs: readonly string[],
    wanted: readonly boolean[],
    attributes: Attributes,
    domain?: string,
  ): readonly string[] {
    const known = this.#shared.get(key);
    if (known) return known;
    const outputs = wanted.map((want, i) => (want ? `t${this.nodes.length}_${i}` : ''));
    while (outputs.at(-1) === '') outputs.pop();
    this.#push(operator, inputs, outputs, attributes, domain);
    this.#shared.set(key, outputs);
    return outputs;
  }

  #push(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Attributes,
    domain?: string,
  ): void {
    const named = Object.entries(attributes).map(
      ([name, value]) => [name, onnxAttribute(name, value)] as const,
    );
    if (domain !== undefined) this.domains.add(domain);
    this.nodes.push({
      name: `${operator}_${this.nodes.length}`,
      operator,
      inputs,
      outputs,
      attributes: Object.fromEntries(named),
      ...(domain === undefined ? {} : { domain }),
    });
  }

  /** A constant of integers, as shapes, axes and slice bounds are in ONNX. */
  integers(values: readonly number[]): string {
    return this.#initializer(`i ${values.join(',')}`, [values.length], () =>
      BigInt64Array.from(values, BigInt),
    );
  }

  /** A float constant; `data` has one element (a fill) or as many as the shape. */
  floats(
    data: ArrayLike<number>,
    shape: Shape,
    key = `f ${shape.join(',')} ${Array.from(data).join(',')}`,
  ): string {
    return this.#initializer(key, shape, () =>
      data.length === 1 ? new Float32Array(sizeOf(shape)).fill(data[0]!) : new Float32Array(data),
    );
  }

  #initializer(key: string, shape: Shape, data: () => Float32Array | BigInt64Array): string {
    const known = this.#initializerNames.get(key);
    if (known !== undefined) return known;
    const name = `c${this.initializers.length}`;
    this.initializers.push({ name, shape, data: data() });
    this.#initializerNames.set(key, name);
    return name;
  }
}

function siblingKey(node: Tensor, primitive: Tensor['primitive']): string {
  return `${primitive} ${node.inputs.map((input) => input.id).join(',')} ${JSON.stringify(node.attributes)}`;
}
