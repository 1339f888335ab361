import type { Transferable } from 'node:worker_threads';
import type { WorkerCrashError } from './errors.ts';
import type { FromWorker, Kept } from './messages.ts';
import { WorkerThread } from './thread.ts';
import type { ThreadSetup } from './thread.ts';

/** What a thread needs of the job that it runs. */
interface Runnable {
  readonly job: string;
  readonly request: unknown;
  readonly options: { readonly transfer?: readonly Transferable[] };
}

/** What a slot's thread tells; a thread that was replaced tells nothing any more. */
export interface SlotEvents<Task extends Runnable> {
  onMessage(slot: Slot<Task>, message: FromWorker): void;
  /** The thread is gone; `started` tells whether it had become ready before. */
  onExit(slot: Slot<Task>, error: WorkerCrashError, started: boolean): void;
}

const nothing: Kept = { sessions: 0, sessionBytes: 0 };

/** A place of a pool: the thread that it has at present, and the job that runs there. */
export class Slot<Task extends Runnable> {
  readonly index: number;
  readonly urgentOnly: boolean;
  task: Task | undefined;
  /** whether the thread has started and not ended */
  alive = false;
  /** what the thread keeps, as of its last job */
  kept: Kept = nothing;
  readonly #setup: ThreadSetup;
  readonly #events: SlotEvents<Task>;
  /** absent after a failed start, until the next job tries again */
  #thread: WorkerThread | undefined;

  constructor(setup: ThreadSetup, urgentOnly: boolean, events: SlotEvents<Task>) {
    this.index = setup.workerIndex;
    this.urgentOnly = urgentOnly;
    this.#setup = setup;
    this.#events = events;
    this.start();
  }

  /** Starts a thread where there is none. */
  start(): WorkerThread {
    this.#thread ??= this.#started();
    return this.#thread;
  }

  /** Resolves when the thread can take jobs, to what runs its graphs, in words. @throws WorkerCrashError */
  ready(): Promise<string> {
    return this.start().ready;
  }

  /** @throws DataCloneError when the request cannot be cloned; the slot stays idle then */
  run(task: Task): void {
    this.start().run(task.job, task.request, task.options.transfer ?? []);
    this.task = task;
  }

  /** Tells the running job to stop before its next graph. */
  interrupt(): void {
    this.#thread?.interrupt();
  }

  /** Has the thread give up what it keeps between jobs, as soon as it can. */
  release(): void {
    this.#thread?.release();
  }

  /** Starts another thread in place of the one that runs a job. Resolves when that one has ended. */
  async replace(): Promise<void> {
    const old = this.#thread;
    this.#leave();
    this.start();
    await old?.retire();
  }

  /** Ends the thread, which must be idle. */
  async stop(): Promise<void> {
    await this.#thread?.stop();
  }

  #started(): WorkerThread {
    const thread = new WorkerThread(this.#setup, {
      onMessage: (message) => {
        if (thread === this.#thread) this.#receive(message);
      },
      onExit: (error, started) => {
        if (thread !== this.#thread) return;
        this.#leave();
        this.#events.onExit(this, error, started);
      },
    });
    return thread;
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'ready') this.alive = true;
    else if (message.kind !== 'progress') this.kept = message.kept;
    this.#events.onMessage(this, message);
  }

  #leave(): void {
    this.#thread = undefined;
    this.alive = false;
    this.kept = nothing;
  }
}
