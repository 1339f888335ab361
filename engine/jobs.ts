import type { Transferable } from 'node:worker_threads';
import type { Executor, Program } from '../model/graph/executor.ts';

/** Runs exported networks: ONNX files made ready once and kept. */
export interface ModelRunner {
  /** The program of `key`; `load` gives its ONNX bytes and is called only when the program is not cached. */
  model(key: string, load: () => Uint8Array): Promise<Program>;
}

/** What a job finds in its worker. */
export interface JobContext {
  /** the worker's own executor: its programs are kept between jobs */
  readonly executor: Executor;
  /** onnxruntime, whichever engine the executor is */
  readonly models: ModelRunner;
  /** `PoolOptions.workerData`, as cloned when the worker started */
  readonly workerData: unknown;
  /** 0 to workers - 1; kept by the replacement of a crashed worker */
  readonly workerIndex: number;
  /** Tells the caller's `onProgress`; the value is cloned. */
  readonly progress: (value: unknown) => void;
  /** Marks buffers of the result to be moved instead of copied when the job returns. */
  readonly transfer: (...buffers: Transferable[]) => void;
}

/** Payload and result must be structured-cloneable. */
export type Job = (payload: unknown, context: JobContext) => Promise<unknown>;

/** A job module exports one, named `jobs`. */
export type JobTable = Readonly<Record<string, Job>>;
