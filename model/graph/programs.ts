import type { Executor, TensorValue } from './executor.ts';
import { inputsOf } from './graph.ts';
import type { GraphFunction } from './graph.ts';
import type { Shape } from './shapes.ts';

/** Named float32 values; shapes are those of the graph that reads them. */
export type Values = Readonly<Record<string, Float32Array>>;

/** Graphs whose input shapes are remembered; an older one is built again when it is asked for. */
const rememberedGraphs = 1024;

/** Graph functions run by an executor: built once per key, fed by name. */
export class Programs {
  readonly #executor: Executor;
  readonly #prefix: string;
  readonly #inputs = new Map<string, Readonly<Record<string, Shape>>>();

  /** `prefix` distinguishes configurations that share one executor. */
  constructor(executor: Executor, prefix: string) {
    this.#executor = executor;
    this.#prefix = prefix;
  }

  /**
   * Runs the function of `key` on the inputs that it declares, looked up in `values` (the later win).
   * @throws Error when a declared input is missing
   */
  async run(
    key: string,
    build: () => GraphFunction,
    ...values: readonly Values[]
  ): Promise<Record<string, Float32Array>> {
    const full = `${this.#prefix} ${key}`;
    let inputs = this.#inputs.get(full);
    let built: GraphFunction | undefined;
    if (!inputs) {
      built = build();
      inputs = Object.fromEntries(
        Object.entries(inputsOf(Object.values(built.outputs))).map(([name, { shape }]) => [name, shape]),
      );
      this.#remember(full, inputs);
    }
    const program = await this.#executor.program(full, () => built ?? build());
    built = undefined; // the executor may keep the function that it was given
    const given = Object.entries(inputs).map(([name, shape]): [string, TensorValue] => {
      const data = values.findLast((set) => set[name] !== undefined)?.[name];
      if (!data) throw new Error(`${key}: input ${name} is missing`);
      return [name, { data, shape }];
    });
    const results = await program.run(Object.fromEntries(given));
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
  }

  #remember(key: string, inputs: Readonly<Record<string, Shape>>): void {
    const [oldest] = this.#inputs.keys();
    if (oldest !== undefined && this.#inputs.size >= rememberedGraphs) this.#inputs.delete(oldest);
    this.#inputs.set(key, inputs);
  }
}
