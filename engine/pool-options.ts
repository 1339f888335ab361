import type { Transferable } from 'node:worker_threads';
import type { EngineOptions } from './options.ts';

interface PoolSettings {
  /** at least 1; one is started where only one can be, see `mostWorkers` */
  readonly workers: number;
  /** workers beside them, which take urgent jobs only; default 0 */
  readonly urgentWorkers?: number;
  /** urgent jobs that may wait while all workers are busy, and as many others; 0 allows none */
  readonly queueLimit: number;
  /** the job module (engine/jobs.ts), imported once by every worker */
  readonly jobs: URL;
  readonly engine: EngineOptions;
  /** milliseconds that an aborted job gets to stop before its worker is replaced; default 1000 */
  readonly stopMs?: number;
}

/** `workerData` is cloned to every worker, also to the replacement of a crashed one. */
export type PoolOptions<Data = unknown> = PoolSettings &
  (unknown extends Data ? { readonly workerData?: Data } : { readonly workerData: Data });

export interface JobOptions<Progress = unknown> {
  /**
   * Takes a waiting job off the queue. The promise of a running job rejects at once, too; the job stops
   * before its next graph, and where that takes longer than `stopMs` another worker takes its place.
   */
  readonly signal?: AbortSignal;
  /** taken before all jobs that are not, by every worker; default false */
  readonly urgent?: boolean;
  /**
   * whom the job counts for: each has an equal share of the workers, in units of cost; all are one by
   * default
   */
  readonly client?: string;
  /** what the job takes of its client's share, above 0; default 1 */
  readonly cost?: number;
  /** buffers of the request to move instead of copy */
  readonly transfer?: readonly Transferable[];
  /** part of work that the queue has taken already: it is not refused where the queue is full */
  readonly admitted?: boolean;
  /** runs the job in this worker only, which must not be one for urgent jobs */
  readonly worker?: number;
  /** told once the queue has taken the job */
  readonly onAccepted?: () => void;
  /** told when a worker begins with the job */
  readonly onStarted?: () => void;
  readonly onProgress?: (value: Progress) => void;
}

export interface PoolStats {
  /** all, those for urgent jobs among them */
  readonly workers: number;
  /** workers that have started and not ended */
  readonly alive: number;
  readonly busy: number;
  readonly waiting: number;
  readonly completed: number;
  readonly failed: number;
  /** jobs that were given up while they ran */
  readonly stopped: number;
  /** workers whose job did not stop in time */
  readonly replaced: number;
  readonly crashes: number;
  /** onnxruntime sessions in the caches of all workers, as of the last job of each */
  readonly sessions: number;
  /** that these take, as estimated */
  readonly sessionBytes: number;
}
