import { sizeOf } from '../../model/graph/shapes.ts';
import type {
  ParameterGroup,
  ParameterSpecification,
  Parameters,
} from '../../model/layers/parameter-specification.ts';

/** A vector that threads share. Vectors of a run are made once: new ones cost more than what is done with them. */
export const sharedVector = (length: number): Float32Array =>
  new Float32Array(new SharedArrayBuffer(4 * length));

/** Θ on the memory that the workers of a run read between its steps. */
export class SharedParameters {
  /** What the workers read. */
  readonly vector: Float32Array;
  #own: Float32Array;

  constructor(parameters: Float32Array) {
    this.vector = sharedVector(parameters.length);
    this.#own = parameters;
    this.vector.set(parameters);
  }

  /** From now on the workers read these parameters, as they are now. */
  set(parameters: Float32Array): void {
    this.#own = parameters;
    this.vector.set(parameters);
  }

  /** Has the workers read `values` while `work` is done, and then again the parameters that were set last. */
  async during<T>(values: Float32Array, work: () => Promise<T>): Promise<T> {
    this.vector.set(values);
    try {
      return await work();
    } finally {
      this.vector.set(this.#own);
    }
  }
}

/** A thread's copy of a vector that threads share: onnxruntime takes no tensors on shared memory. */
export class LocalCopy {
  #values: Float32Array | undefined;

  /** What `shared` has now, by name; the next call overwrites it. */
  of(shared: Float32Array, layout: ParameterLayout): Record<string, Float32Array> {
    this.#values ??= new Float32Array(shared.length);
    this.#values.set(shared);
    return layout.view(this.#values);
  }
}

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

  /**
   * The parameters as one vector: a new one, or `into`. What is missing is zero: a stage has no gradient for what it
   * does not train.
   */
  pack(parameters: Parameters, into: Float32Array = new Float32Array(this.length)): Float32Array {
    for (const { name, start, size } of this.entries) {
      const values = parameters[name];
      if (values) into.set(values, start);
      else into.fill(0, start, start + size);
    }
    return into;
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

  /** Copies the parameters of the wanted groups from one vector to another. */
  copy(from: Float32Array, to: Float32Array, wanted: (group: ParameterGroup) => boolean): void {
    for (const { group, start, size } of this.entries)
      if (wanted(group)) to.set(from.subarray(start, start + size), start);
  }

  /** One value a parameter, chosen by its group: a new vector, or `into`. */
  perGroup(
    value: (group: ParameterGroup) => number,
    into: Float32Array = new Float32Array(this.length),
  ): Float32Array {
    for (const { group, start, size } of this.entries) into.fill(value(group), start, start + size);
    return into;
  }
}
