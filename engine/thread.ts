import { MessageChannel, Worker } from 'node:worker_threads';
import type { Transferable } from 'node:worker_threads';
import { bundleWorker } from './bundle.ts';
import { WorkerCrashError } from './errors.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './messages.ts';
import { createStopFlag, setStop } from './stoppable.ts';

export interface ThreadEvents {
  onMessage(message: FromWorker): void;
  /** The thread is gone, for whatever reason; `started` tells whether it had become ready before. */
  onExit(error: WorkerCrashError, started: boolean): void;
}

/** What a thread is given, but for what it makes itself. */
export type ThreadSetup = Omit<WorkerSetup, 'stop' | 'bundle'>;

/** A thread that does not end by itself within this time is ended by force. */
const stopGraceMs = 5_000;

/** One worker thread, from its start to its end. */
export class WorkerThread {
  /** resolves to what runs its graphs, in words, when the job module is loaded; rejects with WorkerCrashError when the thread ends before that */
  readonly ready: Promise<string>;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #stop = createStopFlag();

  constructor(given: ThreadSetup, events: ThreadEvents) {
    const { port1: ours, port2: theirs } = new MessageChannel();
    const setup: WorkerSetup = { ...given, stop: this.#stop, bundle: theirs };
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      workerData: setup,
      transferList: [theirs],
      execArgv: [], // its bundle needs nothing of what the parent runs under
    });
    let started = false;
    let failure: unknown;
    bundleWorker(setup.jobs).then(
      (bundle) => ours.postMessage(bundle),
      (error: unknown) => {
        failure = error;
        void worker.terminate();
      },
    );
    worker.on('error', (error) => (failure = error)); // 'exit' follows
    worker.on('messageerror', (error) => {
      failure = error;
      void worker.terminate();
    });
    this.#exited = new Promise((resolve) => worker.on('exit', () => resolve()));
    this.ready = new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') {
          started = true;
          resolve(message.engine);
        }
        events.onMessage(message);
      });
      worker.on('exit', (exitCode) => {
        const error = crashError(setup.workerIndex, exitCode, failure);
        reject(error);
        events.onExit(error, started);
      });
    });
    // a failed start also reaches onExit; here it is kept for those who await `ready`
    this.ready.catch(() => undefined);
    this.#worker = worker;
  }

  /** @throws DataCloneError when the request cannot be cloned; the thread stays idle then */
  run(job: string, request: unknown, transfer: readonly Transferable[]): void {
    setStop(this.#stop, false);
    this.#send({ kind: 'run', job, request }, transfer);
  }

  /** Tells the running job to stop before its next graph; it then fails with JobStoppedError. */
  interrupt(): void {
    setStop(this.#stop, true);
  }

  /** Has the thread give up what it keeps between jobs; it tells when it has. */
  release(): void {
    this.#send({ kind: 'release' }, []);
  }

  /**
   * Resolves when the thread has ended, which it does as soon as its interrupted job has. By force it would
   * take the process with it, since onnxruntime cannot be left in the middle of a run.
   */
  async retire(): Promise<void> {
    this.interrupt();
    this.#send({ kind: 'stop' }, []);
    await this.#exited;
  }

  /** Ends an idle thread; its sessions are released first. */
  async stop(): Promise<void> {
    this.#send({ kind: 'stop' }, []);
    const force = setTimeout(() => void this.#worker.terminate(), stopGraceMs);
    await this.#exited;
    clearTimeout(force);
  }

  #send(message: ToWorker, transfer: readonly Transferable[]): void {
    this.#worker.postMessage(message, transfer);
  }
}

function crashError(index: number, exitCode: number, failure: unknown): WorkerCrashError {
  const reason = failure instanceof Error ? failure.message : `exit code ${exitCode}`;
  const options = failure === undefined ? undefined : { cause: failure };
  return new WorkerCrashError(`worker ${index} ended: ${reason}`, options);
}
