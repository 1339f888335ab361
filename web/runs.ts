import type { Status, Tell } from './task.ts';

/** What the page is busy with, or why that failed. `from` is where it was begun. */
export type Work<From extends string> =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly from: From; readonly status: Status }
  | { readonly kind: 'failed'; readonly from: From; readonly error: Error };

/** Work that ends in something to show; what it tells is shown meanwhile. */
export type Run<T> = (tell: Tell, signal: AbortSignal) => Promise<T>;

interface RunsOptions<T, From extends string> {
  readonly onWork: (work: Work<From>) => void;
  readonly onDone: (result: T) => void;
}

/** One run at a time: the next one ends the one before, and of a run that was ended nothing is told or shown. */
export class Runs<T, From extends string> {
  readonly #options: RunsOptions<T, From>;
  #abort = new AbortController();
  #again: () => void = () => undefined;

  constructor(options: RunsOptions<T, From>) {
    this.#options = options;
  }

  start(from: From, run: Run<T>): void {
    this.#again = () => this.start(from, run);
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const { onWork, onDone } = this.#options;
    const unlessEnded = (then: () => void): void => {
      if (!abort.signal.aborted) then();
    };
    const tell: Tell = (status) => unlessEnded(() => onWork({ kind: 'running', from, status }));
    tell({ text: 'Starting' });
    run(tell, abort.signal).then(
      (result) =>
        unlessEnded(() => {
          onWork({ kind: 'idle' });
          onDone(result);
        }),
      (reason: unknown) =>
        unlessEnded(() => {
          const error = reason instanceof Error ? reason : new Error(String(reason));
          onWork({ kind: 'failed', from, error });
        }),
    );
  }

  cancel(): void {
    this.#abort.abort();
    this.#options.onWork({ kind: 'idle' });
  }

  /** Starts the last run once more. */
  again(): void {
    this.#again();
  }
}
