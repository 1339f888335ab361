import { sizeOf } from '../model/graph/shapes.ts';
import type { ParameterGroup, ParameterSpecification, Parameters } from '../model/parameters.ts';

/** Where each parameter lies in one flat vector: how threads exchange Θ and its gradients. */
export class ParameterLayout {
  readonly entries: readonly {
    readonly name: string;
    readonly group: ParameterGroup;
    readonly start: number;
    readonly size: number;
  }[];
  readonly length: number;

  constructor(specifications: readonly ParameterSpecification[]) {
    let start = 0;
    this.entries = specifications.map(({ name, group, shape }) => {
      const entry = { name, group, start, size: sizeOf(shape) };
      start += entry.size;
      return entry;
    });
    this.length = start;
  }

  /** Parameters that are missing stay zero: a stage has no gradient for what it does not train. */
  pack(parameters: Parameters): Float32Array {
    const vector = new Float32Array(this.length);
    for (const { name, start } of this.entries) {
      const values = parameters[name];
      if (values) vector.set(values, start);
    }
    return vector;
  }

  unpack(vector: Float32Array): Record<string, Float32Array> {
    return Object.fromEntries(
      this.entries.map(({ name, start, size }) => [name, vector.slice(start, start + size)]),
    );
  }

  /** The parameters as parts of `vector`, not copied: they change with it. */
  view(vector: Float32Array): Record<string, Float32Array> {
    return Object.fromEntries(
      this.entries.map(({ name, start, size }) => [name, vector.subarray(start, start + size)]),
    );
  }

  /** One value a parameter, chosen by its group. */
  perGroup(value: (group: ParameterGroup) => number): Float32Array {
    const vector = new Float32Array(this.length);
    for (const { group, start, size } of this.entries) vector.fill(value(group), start, start + size);
    return vector;
  }
}
