import type { Logger } from 'pino';
import { loggable } from './faults.ts';
import { heldFor } from './held.ts';
import type { StorageState } from './storage.ts';

/** Ways to look whether tasks can be read and kept; each rejects when they cannot. */
export interface Looks {
  readonly read: () => Promise<void>;
  /** asked for only where reading works */
  readonly write: () => Promise<void>;
}

/** What works of a storage: looks at most every so many milliseconds, and logs what has changed. */
export class StateWatch {
  readonly now: () => Promise<StorageState>;
  readonly #logger: Logger;
  #losses = 0;
  #known = { readable: true, writable: true };

  constructor(ms: number, looks: Looks, logger: Logger) {
    this.#logger = logger;
    this.now = heldFor(ms, () => this.#look(looks));
  }

  /** Notes that all tasks are gone at once. */
  lost(reason: string): void {
    this.#losses++;
    this.#logger.error({ reason }, 'all tasks are gone');
  }

  async #look({ read, write }: Looks): Promise<StorageState> {
    const readable = await this.#works('readable', read);
    const writable = readable && (await this.#works('writable', write));
    this.#known = { readable, writable };
    return { readable, writable, losses: this.#losses };
  }

  async #works(what: 'readable' | 'writable', look: () => Promise<void>): Promise<boolean> {
    try {
      await look();
      if (!this.#known[what]) this.#logger.info(`storage is ${what} again`);
      return true;
    } catch (error) {
      if (this.#known[what]) this.#logger.error({ err: loggable(error) }, `storage is not ${what}`);
      return false;
    }
  }
}
