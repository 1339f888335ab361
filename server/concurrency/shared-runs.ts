import { unlessAborted } from './in-time.ts';

interface Run<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiters: number;
}

/** A waiter's part in a run. */
export interface Joined<T> {
  /** false where the run was under way */
  readonly started: boolean;
  /** what the run gives, or the reason of the waiter's signal */
  readonly result: Promise<T>;
}

/** Work by key: everybody who asks for the same at the same time shares one run, which ends with its last waiter. */
export class SharedRuns<T> {
  readonly #runs = new Map<string, Run<T>>();

  /**
   * Resolves once there is a run of the key, started where there is none. The signal takes one waiter away; the last one
   * aborts the run. A run that was aborted is waited for, never joined, so that no two of a key ever overlap.
   * @throws the signal's reason; `result` what the run throws, too
   */
  async join(
    key: string,
    signal: AbortSignal,
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<Joined<T>> {
    for (let old = this.#runs.get(key); old?.controller.signal.aborted; old = this.#runs.get(key))
      await Promise.allSettled([old.result]);
    signal.throwIfAborted();
    const running = this.#runs.get(key);
    const run = running ?? this.#start(key, start);
    run.waiters++;
    const result = unlessAborted(run.result, signal).finally(() => {
      run.waiters--;
      if (run.waiters === 0 && this.#runs.get(key) === run) run.controller.abort(signal.reason);
    });
    return { started: !running, result };
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
