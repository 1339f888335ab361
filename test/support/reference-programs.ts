import { evaluate } from '../../model/graph/reference/interpreter.ts';
import type { Executor } from '../../model/graph/executor.ts';
import { inputsOf, topological } from '../../model/graph/graph.ts';
import type { GraphFunction } from '../../model/graph/graph.ts';
import { maxPoolIndex } from '../../model/graph/operations.ts';
import type { Tensor } from '../../model/graph/primitives.ts';
import { Programs } from '../../model/graph/programs.ts';
import type { Values } from '../../model/graph/programs.ts';

/** Float64 values where the model's types say float32: nothing but the width of the numbers differs. */
export const asValues = (values: Readonly<Record<string, Float64Array>>): Record<string, Float32Array> =>
  values as unknown as Record<string, Float32Array>;

/** The executor of those who run nothing by one. */
export const compilesNothing: Executor = {
  program: () => Promise.reject(new Error('the reference compiles nothing')),
};

interface Built {
  /** Of the function. */
  readonly name: string;
  readonly names: readonly string[];
  readonly outputs: readonly Tensor[];
  readonly inputs: readonly string[];
  /** Values that tell on which side of its kinks the function is. */
  readonly branches: readonly Tensor[];
}

/** What a function was given and what it returned. */
export interface Run {
  readonly given: Values;
  readonly results: Values;
}

const isPool = (node: Tensor): node is Tensor<'maxPool'> => node.primitive === 'maxPool';

/** Every ReLU, and the chosen pixel of every max-pool. */
export function branchesOf(outputs: readonly Tensor[]): Tensor[] {
  return topological(outputs).flatMap((node) => {
    if (isPool(node)) return [maxPoolIndex(node.inputs[0]!, node.attributes)];
    return node.primitive === 'relu' ? [node] : [];
  });
}

/** Graph functions evaluated in float64 by the reference interpreter, in place of an executor. */
export class ReferencePrograms extends Programs {
  readonly #built = new Map<string, Built>();
  #pattern = 0;
  readonly #runs = new Map<string, Run>();

  constructor() {
    super(compilesNothing, 'reference');
  }

  override run(
    key: string,
    build: () => GraphFunction,
    ...values: readonly Values[]
  ): Promise<Record<string, Float32Array>> {
    const { name, names, outputs, inputs, branches } = this.#build(key, build);
    const given = Object.assign({}, ...values) as Values;
    const wide = Object.fromEntries(
      inputs.map((input) => [input, Float64Array.from(given[input] ?? missing(key, input))]),
    );
    const results = evaluate([...outputs, ...branches], wide);
    branches.forEach((tensor, i) => this.#follow(tensor, results[outputs.length + i]!));
    const named = asValues(Object.fromEntries(names.map((output, i) => [output, results[i]!])));
    this.#runs.set(name, { given, results: named });
    return Promise.resolve(named);
  }

  /** The last run of a function of this name. */
  last(name: string): Run {
    return this.#runs.get(name) ?? missing('last', name);
  }

  /** A hash of the side of every ReLU and the choice of every max-pool of all runs since the last call. */
  takePattern(): number {
    const pattern = this.#pattern;
    this.#pattern = 0;
    return pattern;
  }

  #build(key: string, build: () => GraphFunction): Built {
    const known = this.#built.get(key);
    if (known) return known;
    const { name, outputs } = build();
    const roots = Object.values(outputs);
    const built = {
      name,
      names: Object.keys(outputs),
      outputs: roots,
      inputs: Object.keys(inputsOf(roots)),
      branches: branchesOf(roots),
    };
    this.#built.set(key, built);
    return built;
  }

  #follow(tensor: Tensor, values: Float64Array): void {
    for (const value of values) {
      this.#pattern = (Math.imul(this.#pattern ^ sideOf(tensor, value), 0x01000193) + 0x9e37) | 0;
    }
  }
}

/** On which side of its kink a branch is. */
export const sideOf = ({ primitive }: Tensor, value: number): number =>
  primitive === 'relu' ? Number(value > 0) : value;

function missing(key: string, name: string): never {
  throw new Error(`${key}: ${name} is missing`);
}
