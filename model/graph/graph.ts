import { GraphError } from './primitives.ts';
import type { GraphBuilder, Primitive, PrimitiveAttributes, Tensor } from './primitives.ts';
import { sameShape, shapeRules, sizeOf } from './shapes.ts';
import type { Shape, ShapeRule } from './shapes.ts';

/** A constant of at most so many elements is shared by content, a larger one by the identity of its data. */
const sharedByContent = 64;

/**
 * A tensor graph under construction. Nodes are hash-consed: the same primitive on the same inputs with the same
 * attributes is one node, so common subexpressions are shared for free.
 */
export class Graph implements GraphBuilder {
  readonly #nodes = new Map<string, Tensor>();
  readonly #constants = new Map<Float64Array, number>();

  /** The named input of `shape`; the same name always gives the same node. Throws GraphError on another shape. */
  input(name: string, shape: Shape): Tensor {
    const tensor = this.#intern(`input ${name}`, 'input', [], { name }, shape);
    if (!sameShape(tensor.shape, shape)) throw new GraphError(`input ${name} already has another shape`);
    return tensor;
  }

  /** A constant; `data` has one element (a fill) or as many as `shape`. */
  constant(data: Float64Array | readonly number[], shape: Shape): Tensor {
    const values = data instanceof Float64Array ? data : Float64Array.from(data);
    if (values.length !== 1 && values.length !== sizeOf(shape)) {
      throw new GraphError(`${values.length} values do not fill [${shape.join(', ')}]`);
    }
    return this.#intern(
      `constant ${shape.join(',')} ${this.#contentKey(values)}`,
      'constant',
      [],
      { data: values },
      shape,
    );
  }

  node<P extends Primitive>(
    primitive: P,
    inputs: readonly Tensor[],
    attributes: PrimitiveAttributes[P],
  ): Tensor {
    if (primitive === 'input' || primitive === 'constant') throw new GraphError(`${primitive} is a leaf`);
    for (const tensor of inputs) {
      if (tensor.graph !== this) throw new GraphError(`${primitive}: an input belongs to another graph`);
    }
    const rules = shapeRules as unknown as Readonly<Record<string, ShapeRule<PrimitiveAttributes[P]>>>;
    const rule = rules[primitive]!;
    const key = `${primitive} ${inputs.map((tensor) => tensor.id).join(',')} ${JSON.stringify(attributes)}`;
    const known = this.#nodes.get(key);
    if (known) return known;
    return this.#intern(
      key,
      primitive,
      inputs,
      attributes,
      rule(
        inputs.map((tensor) => tensor.shape),
        attributes,
      ),
    );
  }

  #contentKey(values: Float64Array): string {
    if (values.length <= sharedByContent) return values.join(',');
    const known = this.#constants.get(values) ?? this.#constants.size;
    this.#constants.set(values, known);
    return `#${known}`;
  }

  #intern<P extends Primitive>(
    key: string,
    primitive: P,
    inputs: readonly Tensor[],
    attributes: PrimitiveAttributes[P],
    shape: Shape,
  ): Tensor {
    const known = this.#nodes.get(key);
    if (known) return known;
    const tensor = {
      id: this.#nodes.size,
      primitive,
      inputs,
      attributes,
      shape,
      graph: this,
    } as unknown as Tensor;
    this.#nodes.set(key, tensor);
    return tensor;
  }
}

/** A graph with named inputs and outputs: what an executor compiles. */
export interface GraphFunction {
  readonly name: string;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** All nodes that `roots` depend on, inputs before users. */
export function topological(roots: readonly Tensor[]): Tensor[] {
  const found = new Set<Tensor>();
  const pending = [...roots];
  for (let tensor = pending.pop(); tensor; tensor = pending.pop()) {
    if (found.has(tensor)) continue;
    found.add(tensor);
    pending.push(...tensor.inputs);
  }
  return [...found].sort((a, b) => a.id - b.id);
}

/** The named inputs that `roots` depend on, by name. */
export function inputsOf(roots: readonly Tensor[]): Record<string, Tensor> {
  const inputs = topological(roots).filter(
    (tensor): tensor is Tensor<'input'> => tensor.primitive === 'input',
  );
  return Object.fromEntries(inputs.map((tensor) => [tensor.attributes.name, tensor]));
}
