import { unlessAborted } from './in-time.ts';

interface Run<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/** Work by key: everybody who asks for the same at the same time shares one run, which ends with its last waiter. */
export class SharedRuns<T> {
  readonly #runs = new Map<string, Run<T>>();

  /**
   * Waits for the run of the key, starting it when there is none. The signal takes one waiter away; the last one
   * aborts the run. A run that was aborted is waited for, never joined, so that no two of a key ever overlap. `joined`
   * is told once a run is found or started.
   * @throws the signal's reason, what the run throws
   */
  async join(
    key: string,
    signal: AbortSignal,
    start: (signal: AbortSignal) => Promise<T>,
    joined?: () => void,
  ): Promise<{ readonly value: T; readonly started: boolean }> {
    for (let old = this.#runs.get(key); old?.controller.signal.aborted; old = this.#runs.get(key))
      await Promise.allSettled([old.result]);
    signal.throwIfAborted();
    const running = this.#runs.get(key);
    const run = running ?? this.#start(key, start);
    run.waiters++;
    joined?.();
    try {
      return { value: await unlessAborted(run.result, signal), started: !running };
    } finally {
      run.waiters--;
      if (run.waiters === 0 && this.#runs.get(key) === run) run.controller.abort(signal.reason);
    }
  }

  /** Resolves when no run of the key is under way any more, however it ended. */
  async settled(key: string): Promise<void> {
    await Promise.allSettled([this.#runs.get(key)?.result]);
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): Run<T> {
    const controller = new AbortController();
    const result = start(controller.signal).finally(() => this.#runs.delete(key));
    const run: Run<T> = { result, controller, waiters: 0 };
    this.#runs.set(key, run);
    return run;
  }
}
