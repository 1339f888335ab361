import { JobError, PoolClosedError, QueueFullError } from './errors.ts';
import type { WorkerCrashError } from './errors.ts';
import { FairQueue } from './fair-queue.ts';
import type { AnyJobs, ProgressOf, RequestOf, ResultOf, Signatures } from './jobs.ts';
import type { FromWorker } from './messages.ts';
import { mostWorkers } from './options.ts';
import type { JobOptions, PoolOptions, PoolStats } from './pool-options.ts';
import { Slot } from './slot.ts';

/** A job on its way through the pool. */
interface Task {
  readonly job: string;
  readonly request: unknown;
  readonly options: Omit<JobOptions, 'onProgress'>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly progress: (value: unknown) => void;
}

/** Default of `stopMs`. */
const usualStopMs = 1000;

/**
 * Worker threads behind two bounded queues, of urgent jobs and of all others; in each the clients take
 * turns, and each has its jobs done in order. A worker runs one job at a time. `Jobs` and `Data` are those
 * of the table that the job module exports: `JobTable<Jobs, Data>`.
 */
export class WorkerPool<Jobs extends Signatures<Jobs> = AnyJobs, Data = unknown> {
  readonly #options: PoolOptions;
  /** those for urgent jobs come first, so that such jobs leave the others free */
  readonly #slots: readonly Slot<Task>[];
  readonly #queues = { urgent: new FairQueue<Task>(), others: new FairQueue<Task>() };
  readonly #counts = { completed: 0, failed: 0, stopped: 0, replaced: 0, crashes: 0 };
  /** ends of replaced threads that still run their job */
  readonly #retired = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;

  constructor(options: PoolOptions<Data>) {
    if (!Number.isInteger(options.workers) || options.workers < 1) {
      throw new RangeError('a pool needs at least one worker');
    }
    this.#options = options;
    const most = mostWorkers(options.engine);
    const workers = Math.min(options.workers, most);
    const urgentWorkers = Math.min(options.urgentWorkers ?? 0, most - workers);
    const slot = (index: number): Slot<Task> => {
      const { jobs, engine, workerData } = options as PoolOptions;
      const urgent = index >= workers;
      // where some are kept for urgent jobs, these have the processors first, too
      const yields = urgentWorkers > 0 && !urgent;
      const setup = { jobs: jobs.href, engine, workerData, workerIndex: index, yields };
      return new Slot(setup, urgent, {
        onMessage: (own, message) => this.#receive(own, message),
        onExit: (own, error, started) => this.#exited(own, error, started),
      });
    };
    const indices = Array.from({ length: workers + urgentWorkers }, (_, index) => index);
    this.#slots = [...indices.slice(workers), ...indices.slice(0, workers)].map(slot);
  }

  get stats(): PoolStats {
    return {
      workers: this.#slots.length,
      alive: this.#slots.filter(({ alive }) => alive).length,
      busy: this.#busy(),
      waiting: this.#queues.urgent.size() + this.#queues.others.size(),
      ...this.#counts,
      sessions: this.#slots.reduce((sum, { kept }) => sum + kept.sessions, 0),
      sessionBytes: this.#slots.reduce((sum, { kept }) => sum + kept.sessionBytes, 0),
    };
  }

  /**
   * Resolves when every worker has loaded its job module, to what runs the graphs of each, in words.
   * @throws WorkerCrashError when one cannot start
   */
  async ready(): Promise<string[]> {
    return Promise.all(this.#slots.map((slot) => slot.ready()));
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
    if (worker !== undefined && !this.#slots.some((slot) => slot.index === worker && !slot.urgentOnly))
      throw new RangeError(`the pool has no worker ${worker}`);
    const idle = this.#slots.some((slot) => !slot.task && mayRun(slot, options));
    const waiting = this.#queueOf(options).size();
    if (!idle && !admitted && waiting >= this.#options.queueLimit) {
      throw new QueueFullError(`${waiting} jobs wait already`);
    }
    return this.#enqueue(job, request, options);
  }

  /**
   * Runs the job once in every worker that is not for urgent jobs, whatever the queue's limit; results in
   * their order.
   */
  async runOnAll<K extends keyof Jobs & string>(
    job: K,
    request: RequestOf<Jobs, K>,
  ): Promise<ResultOf<Jobs, K>[]> {
    const all = this.#slots.filter(({ urgentOnly }) => !urgentOnly);
    return Promise.all(all.map(({ index }) => this.#enqueue(job, request, { worker: index })));
  }

  /** Has every worker give up its compiled graphs, as soon as the job that it runs lets go of them. */
  releaseKept(): void {
    for (const slot of this.#slots) slot.release();
  }

  /** Refuses what waits, lets running jobs end (however long they take), then ends the threads. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const task of [...this.#queues.urgent.clear(), ...this.#queues.others.clear()])
      task.reject(new PoolClosedError(`${task.job}: the pool was closed`));
    if (this.#busy() > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    await Promise.all([...this.#slots.map((slot) => slot.stop()), ...this.#retired]);
  }

  async #enqueue<K extends keyof Jobs & string>(
    job: K,
    request: RequestOf<Jobs, K>,
    options: JobOptions<ProgressOf<Jobs, K>>,
  ): Promise<ResultOf<Jobs, K>> {
    if (this.#closing) throw new PoolClosedError(`${job}: the pool was closed`);
    const { signal, client = '', cost = 1 } = options;
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
          this.#giveUp(task);
          reject(signal?.reason as Error);
        };
        signal?.addEventListener('abort', abort, { once: true });
        this.#queueOf(options).add(client, cost, task);
        options.onAccepted?.();
        this.#dispatch();
      });
    } finally {
      if (abort) signal?.removeEventListener('abort', abort);
    }
  }

  #queueOf({ urgent = false }: Pick<JobOptions, 'urgent'>): FairQueue<Task> {
    return urgent ? this.#queues.urgent : this.#queues.others;
  }

  #busy(): number {
    return this.#slots.filter((slot) => slot.task).length;
  }

  /** Takes a job off the queue, or has the worker stop that runs it. */
  #giveUp(task: Task): void {
    this.#queueOf(task.options).remove(task);
    const slot = this.#slots.find((one) => one.task === task);
    if (!slot) return;
    slot.interrupt();
    setTimeout(() => this.#replace(slot, task), this.#options.stopMs ?? usualStopMs).unref();
  }

  /**
   * Gives the place of a worker that still runs the job to another one. The old one ends with its job;
   * there is one such at most, so that giving up again and again starts no threads without end.
   */
  #replace(slot: Slot<Task>, task: Task): void {
    if (slot.task !== task || this.#closing || this.#retired.size > 0) return;
    const ended = slot.replace();
    this.#retired.add(ended);
    void ended.finally(() => this.#retired.delete(ended));
    this.#counts.stopped++;
    this.#counts.replaced++;
    this.#release(slot);
  }

  /** Gives every idle worker the next job that it may run. */
  #dispatch(): void {
    for (const slot of this.#slots) {
      while (!slot.task) {
        const fits = ({ options }: Task): boolean => mayRun(slot, options);
        const task = this.#queues.urgent.take(fits) ?? this.#queues.others.take(fits);
        if (!task) break;
        this.#assign(slot, task);
      }
    }
  }

  #assign(slot: Slot<Task>, task: Task): void {
    try {
      slot.run(task);
      task.options.onStarted?.();
    } catch (error) {
      this.#counts.failed++;
      task.reject(error);
    }
  }

  #receive(slot: Slot<Task>, message: FromWorker): void {
    const { task } = slot;
    const givenUp = task?.options.signal?.aborted === true;
    switch (message.kind) {
      case 'ready':
      case 'released':
        break;
      case 'progress':
        if (!givenUp) task?.progress(message.value);
        break;
      case 'done':
        this.#counts.completed++;
        this.#release(slot);
        task?.resolve(message.value);
        break;
      case 'failed':
        this.#counts[givenUp ? 'stopped' : 'failed']++;
        this.#release(slot);
        task?.reject(new JobError(message.error));
        break;
    }
  }

  /** A worker that had started is replaced at once; one that cannot start is tried again only for the next job. */
  #exited(slot: Slot<Task>, error: WorkerCrashError, started: boolean): void {
    const { task } = slot;
    if (this.#closing && !task) return;
    this.#counts.crashes++;
    if (task) this.#counts.failed++;
    if (started && !this.#closing) slot.start();
    this.#release(slot);
    task?.reject(error);
  }

  #release(slot: Slot<Task>): void {
    slot.task = undefined;
    if (this.#closing && this.#busy() === 0) this.#drained?.();
    this.#dispatch();
  }
}

/** Whether a worker takes such jobs. */
const mayRun = (
  { index, urgentOnly }: Pick<Slot<Task>, 'index' | 'urgentOnly'>,
  { worker = index, urgent = false }: Pick<JobOptions, 'worker' | 'urgent'>,
): boolean => worker === index && (urgent || !urgentOnly);
