import type { GraphFunction } from './graph.ts';

/** A dense float32 tensor outside a graph: row-major data and its shape. */
export interface TensorValue {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

export type TensorValues = Readonly<Record<string, TensorValue>>;

/** A graph made ready to run. */
export interface Program {
  /** Runs the graph; every declared input must be given, every declared output is returned. */
  run(inputs: TensorValues): Promise<Record<string, TensorValue>>;
}

/** What the pure layers need of a runtime: graphs made ready once and kept. `engine/` implements it. */
export interface Executor {
  /** The program of `key`; `build` gives its graph and is called only when the program is not cached. */
  program(key: string, build: () => GraphFunction): Promise<Program>;
}

/** What runs exported networks: ONNX files made ready once and kept. */
export interface ModelRunner {
  /** The program of `key`; `load` gives its ONNX bytes and is called only when the program is not cached. */
  model(key: string, load: () => Uint8Array): Promise<Program>;
}
