import type { Transferable } from 'node:worker_threads';
import { JobError, PoolClosedError, QueueFullError } from './errors.ts';
import type { WorkerCrashError } from './errors.ts';
import type { AnyJobs, ProgressOf, RequestOf, ResultOf, Signatures } from './jobs.ts';
import type { FromWorker } from './messages.ts';
import { mostWorkers } from './options.ts';
import type { EngineOptions } from './options.ts';
import { WorkerThread } from './thread.ts';

interface PoolSettings {
  /** at least 1; one is started where only one can be, see `mostWorkers` */
  readonly workers: number;
  /** jobs that may wait while all workers are busy; 0 allows none */
  readonly queueLimit: number;
  /** the job module (engine/jobs.ts), imported once by every worker */
  readonly jobs: URL;
  readonly engine: EngineOptions;
}

/** `workerData` is cloned to every worker, also to the replacement of a crashed one. */
export type PoolOptions<Data = unknown> = PoolSettings &
  (unknown extends Data ? { readonly workerData?: Data } : { readonly workerData: Data });

export interface JobOptions<Progress = unknown> {
  /**
   * Takes a waiting job off the queue. The promise of a running job rejects at once, too, but its worker stays
   * busy until the job has ended; the result is dropped.
   */
  readonly signal?: AbortSignal;
  /** buffers of the request to move instead of copy */
  readonly transfer?: readonly Transferable[];
  /** part of work that the queue has taken already: it is not refused where the queue is full */
  readonly admitted?: boolean;
  /** runs the job in this worker only */
  readonly worker?: number;
  /** told once the queue has taken the job */
  readonly onAccepted?: () => void;
  /** told when a worker begins with the job */
  readonly onStarted?: () => void;
  readonly onProgress?: (value: Progress) => void;
}

export interface PoolStats {
  readonly workers: number;
  /** workers that have started and not ended */
  readonly alive: number;
  readonly busy: number;
  readonly waiting: number;
  readonly completed: number;
  readonly failed: number;
  readonly crashes: number;
  /** onnxruntime sessions in the caches of all workers, as of the last job of each */
  readonly sessions: number;
}

interface Task {
  readonly job: string;
  readonly request: unknown;
  readonly options: Omit<JobOptions, 'onProgress'>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly progress: (value: unknown) => void;
}

interface Slot {
  readonly index: number;
  /** absent after a failed start, until the next job tries again */
  thread: WorkerThread | undefined;
  task: Task | undefined;
  alive: boolean;
  sessions: number;
}

/**
 * Worker threads behind one bounded queue, first come, first served; each runs one job at a time. `Jobs` and `Data` are
 * those of the table that the job module exports: `JobTable<Jobs, Data>`.
 */
export class WorkerPool<Jobs extends Signatures<Jobs> = AnyJobs, Data = unknown> {
  readonly #options: PoolOptions;
  readonly #slots: readonly Slot[];
  readonly #waiting: Task[] = [];
  readonly #counts = { completed: 0, failed: 0, crashes: 0 };
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(options: PoolOptions<Data>) {
    if (!Number.isInteger(options.workers) || options.workers < 1) {
      throw new RangeError('a pool needs at least one worker');
    }
    this.#options = options;
    this.#slots = Array.from(
      { length: Math.min(options.workers, mostWorkers(options.engine)) },
      (_, index) => ({
        index,
        thread: undefined,
        task: undefined,
        alive: false,
        sessions: 0,
      }),
    );
    for (const slot of this.#slots) slot.thread = this.#start(slot);
  }

  get stats(): PoolStats {
    return {
      workers: this.#slots.length,
      alive: this.#slots.filter(({ alive }) => alive).length,
      busy: this.#busy(),
      waiting: this.#waiting.length,
      ...this.#counts,
      sessions: this.#slots.reduce((sum, { sessions }) => sum + sessions, 0),
    };
  }

  /**
   * Resolves when every worker has loaded its job module, to what runs the graphs of each, in words.
   * @throws WorkerCrashError when one cannot start
   */
  async ready(): Promise<string[]> {
    return Promise.all(this.#slots.map((slot) => (slot.thread ??= this.#start(slot)).ready));
  }

  /**
   * The job's result, cloned from its worker.
   * @throws JobError what the job threw, with its name, message, code, details and stack
   * @throws QueueFullError, PoolClosedError, WorkerCrashError, the signal's reason, DataCloneError
   */
  async run<K extends keyof Jobs & string>(
    job: K,
    request: RequestOf<Jobs, K>,
    options: JobOptions<ProgressOf<Jobs, K>> = {},
  ): Promise<ResultOf<Jobs, K>> {
    const { worker, admitted = false } = options;
    if (worker !== undefined && !this.#slots[worker])
      throw new RangeError(`the pool has no worker ${worker}`);
    const idle = this.#slots.some((slot) => !slot.task && (worker ?? slot.index) === slot.index);
    if (!idle && !admitted && this.#waiting.length >= this.#options.queueLimit) {
      throw new QueueFullError(`${this.#waiting.length} jobs wait already`);
    }
    return this.#enqueue(job, request, options);
  }

  /** Runs the job once in every worker, whatever the queue's limit; results in the order of the workers. */
  async runOnAll<K extends keyof Jobs & string>(
    job: K,
    request: RequestOf<Jobs, K>,
  ): Promise<ResultOf<Jobs, K>[]> {
    return Promise.all(this.#slots.map(({ index }) => this.#enqueue(job, request, { worker: index })));
  }

  /** Refuses what waits, lets running jobs end (however long they take), then ends the threads. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const task of this.#waiting.splice(0))
      task.reject(new PoolClosedError(`${task.job}: the pool was closed`));
    if (this.#busy() > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    await Promise.all(this.#slots.flatMap(({ thread }) => (thread ? [thread.stop()] : [])));
  }

  async #enqueue<K extends keyof Jobs & string>(
    job: K,
    request: RequestOf<Jobs, K>,
    options: JobOptions<ProgressOf<Jobs, K>>,
  ): Promise<ResultOf<Jobs, K>> {
    if (this.#closing) throw new PoolClosedError(`${job}: the pool was closed`);
    const { signal } = options;
    signal?.throwIfAborted();
    let abort: (() => void) | undefined;
    try {
      return await new Promise((resolve, reject: (error: unknown) => void) => {
        const task: Task = {
          job,
          request,
          options,
          // what a worker sends is what its job table says, whose type is the pool's
          resolve: (value) => resolve(value as ResultOf<Jobs, K>),
          progress: (value) => options.onProgress?.(value as ProgressOf<Jobs, K>),
          reject,
        };
        abort = () => {
          const position = this.#waiting.indexOf(task);
          if (position >= 0) this.#waiting.splice(position, 1);
          reject(signal?.reason as Error);
        };
        signal?.addEventListener('abort', abort, { once: true });
        this.#waiting.push(task);
        options.onAccepted?.();
        this.#dispatch();
      });
    } finally {
      if (abort) signal?.removeEventListener('abort', abort);
    }
  }

  #busy(): number {
    return this.#slots.filter((slot) => slot.task).length;
  }

  /** Gives every idle worker the first waiting job that it may take. */
  #dispatch(): void {
    for (const slot of this.#slots) {
      while (!slot.task) {
        const position = this.#waiting.findIndex(
          ({ options }) => (options.worker ?? slot.index) === slot.index,
        );
        const [task] = position < 0 ? [] : this.#waiting.splice(position, 1);
        if (!task) break;
        this.#assign(slot, task);
      }
    }
  }

  #assign(slot: Slot, task: Task): void {
    slot.thread ??= this.#start(slot);
    try {
      slot.thread.run(task.job, task.request, task.options.transfer ?? []);
      slot.task = task;
      task.options.onStarted?.();
    } catch (error) {
      this.#counts.failed++;
      task.reject(error);
    }
  }

  #start(slot: Slot): WorkerThread {
    const { jobs, engine, workerData } = this.#options;
    return new WorkerThread(
      { jobs: jobs.href, engine, workerData, workerIndex: slot.index },
      {
        onMessage: (message) => this.#receive(slot, message),
        onExit: (error, started) => this.#exited(slot, error, started),
      },
    );
  }

  #receive(slot: Slot, message: FromWorker): void {
    const { task } = slot;
    switch (message.kind) {
      case 'ready':
        slot.alive = true;
        break;
      case 'progress':
        if (task?.options.signal?.aborted !== true) task?.progress(message.value);
        break;
      case 'done':
        this.#counts.completed++;
        slot.sessions = message.sessions;
        this.#release(slot);
        task?.resolve(message.value);
        break;
      case 'failed':
        this.#counts.failed++;
        slot.sessions = message.sessions;
        this.#release(slot);
        task?.reject(new JobError(message.error));
        break;
    }
  }

  /** A worker that had started is replaced at once; one that cannot start is tried again only for the next job. */
  #exited(slot: Slot, error: WorkerCrashError, started: boolean): void {
    const { task } = slot;
    slot.thread = undefined;
    slot.alive = false;
    slot.sessions = 0;
    if (this.#closing && !task) return;
    this.#counts.crashes++;
    if (task) this.#counts.failed++;
    if (started && !this.#closing) slot.thread = this.#start(slot);
    this.#release(slot);
    task?.reject(error);
  }

  #release(slot: Slot): void {
    slot.task = undefined;
    if (this.#closing && this.#busy() === 0) this.#drained?.();
    this.#dispatch();
  }
}
