import type { Transferable } from 'node:worker_threads';
import type { Executor, ModelRunner } from '../model/graph/executor.ts';

/**
 * What the jobs of a pool take and give, by name: an interface of methods, which only the compiler ever sees. The second
 * parameter of one that tells how it comes along is what its caller is told by. All of it must be structured-cloneable.
 *
 *     interface Jobs {
 *       scale(values: Float32Array, progress: (done: number) => void): Float32Array;
 *     }
 */
export type Signatures<Jobs> = { readonly [K in keyof Jobs]: (request: never, progress: never) => unknown };

/** Jobs of which nothing is known but that they have names. */
export type AnyJobs = Readonly<
  Record<string, (request: unknown, progress: (value: unknown) => void) => unknown>
>;

export type RequestOf<Jobs, K extends keyof Jobs> = Jobs[K] extends (
  ...parameters: [infer Request, ...never[]]
) => unknown
  ? Request
  : never;

export type ResultOf<Jobs, K extends keyof Jobs> = Jobs[K] extends (
  request: never,
  progress: never,
) => infer Result
  ? Result
  : never;

export type ProgressOf<Jobs, K extends keyof Jobs> = Jobs[K] extends (
  request: never,
  progress: (value: infer Progress) => void,
) => unknown
  ? Progress
  : never;

/** What a job finds in its worker. */
export interface JobContext<Data = unknown, Progress = unknown> {
  /** the worker's own executor: its programs are kept between jobs */
  readonly executor: Executor;
  /** onnxruntime, whichever engine the executor is */
  readonly models: ModelRunner;
  /** `PoolOptions.workerData`, as cloned when the worker started */
  readonly workerData: Data;
  /** 0 to workers - 1; kept by the replacement of a crashed worker */
  readonly workerIndex: number;
  /** Tells the caller's `onProgress`; the value is cloned. */
  readonly progress: (value: Progress) => void;
  /** Marks buffers of the result to be moved instead of copied when the job returns. */
  readonly transfer: (...buffers: Transferable[]) => void;
}

export type Job<Request = unknown, Result = unknown, Data = unknown, Progress = unknown> = (
  request: Request,
  context: JobContext<Data, Progress>,
) => Promise<Result>;

/** A job module exports one, named `jobs`; `Data` is what the workers of its pool are given at their start. */
export type JobTable<Jobs extends Signatures<Jobs> = AnyJobs, Data = unknown> = {
  readonly [K in keyof Jobs]: Job<RequestOf<Jobs, K>, ResultOf<Jobs, K>, Data, ProgressOf<Jobs, K>>;
};
