import type { MessagePort } from 'node:worker_threads';
import type { ErrorRecord } from './errors.ts';
import type { EngineOptions } from './options.ts';
import type { StopFlag } from './stoppable.ts';

/** What the pool hands to a worker at its start. */
export interface WorkerSetup {
  /** URL of the job module */
  readonly jobs: string;
  /** tells the thread the URL of its bundle (bundle.ts), once */
  readonly bundle: MessagePort;
  readonly engine: EngineOptions;
  readonly workerData: unknown;
  readonly workerIndex: number;
  /** whether the other threads of the process go before it */
  readonly yields: boolean;
  /** set while the running job is to stop */
  readonly stop: StopFlag;
}

export type ToWorker =
  | { readonly kind: 'run'; readonly job: string; readonly request: unknown }
  /** give up what is kept between jobs, as soon as the running job lets go of it */
  | { readonly kind: 'release' }
  | { readonly kind: 'stop' };

/** What a worker keeps between jobs. */
export interface Kept {
  /** onnxruntime sessions in its caches */
  readonly sessions: number;
  /** that they take, as estimated */
  readonly sessionBytes: number;
}

/** A worker runs one job at a time, so its answers need no number. */
export type FromWorker =
  /** `engine`: what runs the worker's graphs, in words */
  | { readonly kind: 'ready'; readonly engine: string }
  | { readonly kind: 'progress'; readonly value: unknown }
  | { readonly kind: 'released'; readonly kept: Kept }
  | { readonly kind: 'done'; readonly value: unknown; readonly kept: Kept }
  | { readonly kind: 'failed'; readonly error: ErrorRecord; readonly kept: Kept };
