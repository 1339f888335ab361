import type { Transferable } from 'node:worker_threads';
import type { Executor } from '../model/graph/executor.ts';

/** What a job finds in its worker. */
export interface JobContext {
  /** the worker's own executor: its sessions stay compiled between jobs */
  readonly executor: Executor;
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
