import type { Logger } from 'pino';
import { asServiceError } from '../errors/errors.ts';

/** Work that goes on after its request was answered: it is logged like a request, and a shutdown waits for it. */
export class Background {
  readonly #logger: Logger;
  readonly #running = new Set<Promise<void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** How the work ends is logged, under the id of the request that began it. */
  add(work: Promise<unknown>, requestId: string): void {
    const startedAt = performance.now();
    const log = (code: string) => {
      const ms = Math.round(performance.now() - startedAt);
      this.#logger.info({ requestId, outcome: code, ms }, 'background work');
    };
    const logged = work.then(
      () => log('done'),
      (error: unknown) => {
        const { code } = asServiceError(error);
        if (code === 'internal') this.#logger.error({ requestId, err: error }, 'unexpected error');
        log(code);
      },
    );
    this.#running.add(logged);
    void logged.finally(() => this.#running.delete(logged));
  }

  /** Resolves when none is running. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
