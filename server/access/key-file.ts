import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { parseKeys } from './keys.ts';
import type { ApiKey, KeySource } from './keys.ts';

/** The file of the keys cannot be used; thrown at start. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

/** How often the file is looked at: a new key is known within this time. */
const usualLookMs = 2000;

/** Keys of the environment, and of a file that is read again whenever it has changed. */
export class KeyFile implements KeySource {
  readonly #path: string;
  readonly #listed: readonly ApiKey[];
  readonly #logger: Logger;
  #current: readonly ApiKey[];

  /** @param listed keys that are known beside those of the file. @throws KeyFileError */
  constructor(path: string, listed: readonly ApiKey[], logger: Logger, lookMs = usualLookMs) {
    this.#path = path;
    this.#listed = listed;
    this.#logger = logger;
    try {
      this.#current = this.#read();
    } catch (error) {
      throw new KeyFileError(`MNAS_API_KEYS_FILE: ${messageOf(error)}`, { cause: error });
    }
    // by its status, which also tells that another file was put in its place
    watchFile(path, { interval: lookMs, persistent: false }, this.#look);
  }

  get current(): readonly ApiKey[] {
    return this.#current;
  }

  close(): void {
    unwatchFile(this.#path, this.#look);
  }

  /** Takes the file's keys; of one that is missing or wrong, those stay that were known. */
  readonly #look = (): void => {
    try {
      this.#current = this.#read();
      const names = this.#current.map(({ name }) => name);
      this.#logger.info({ keys: names }, 'keys were read again');
    } catch (error) {
      this.#logger.error(
        { reason: messageOf(error) },
        'the file of the keys cannot be used: those before stay',
      );
    }
  };

  #read(): readonly ApiKey[] {
    const keys = parseKeys(readFileSync(this.#path, 'utf8'));
    if (keys.length === 0) throw new Error(`${this.#path} has no key`); // it may be half written
    return [...this.#listed, ...keys];
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
