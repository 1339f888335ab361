import process from 'node:process';
import type { Logger } from 'pino';

/** For what the threads' heaps have not collected yet: no count of graphs knows of it. */
const heapBytes = 256 * 1024 ** 2;
/** How often the memory is looked at. */
const lookMs = 1000;
/** Looks that what was released gets to be given back, before work is refused. */
const patience = 3;
/** Looks after which graphs are released again: those of the work that goes on are compiled anew meanwhile. */
const again = 30;

export interface MemoryWatchOptions {
  /** that the workers may take beside what the process has when it is ready */
  readonly bytes: number;
  /** has the workers give up what they keep between jobs */
  readonly release: () => void;
  /** bytes that the process has, without what is bounded elsewhere */
  readonly held?: () => number;
}

/** What the memory is found to be. */
export interface MemoryStats {
  /** bytes that the process has */
  readonly held: number;
  /** that it may have; 0 until it is known */
  readonly limit: number;
  /** how often kept graphs were released because of it */
  readonly releases: number;
}

/**
 * Resident memory of the process, without buffers of the thread that answers requests: these hold bodies and tasks, of
 * which other settings say how much there may be.
 */
export const heldBytes = (): number => {
  const { rss, arrayBuffers } = process.memoryUsage();
  return rss - arrayBuffers;
};

/**
 * The backstop behind bytes that are counted before work is done: looks at what the process really has. Above the limit
 * the workers give up their kept graphs; where that does not help, no adaptation is begun until it falls.
 */
export class MemoryWatch {
  readonly #options: Required<MemoryWatchOptions>;
  readonly #logger: Logger;
  #limit = 0;
  #releases = 0;
  /** looks in a row that have found too much */
  #above = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ held = heldBytes, ...options }: MemoryWatchOptions, logger: Logger) {
    this.#options = { held, ...options };
    this.#logger = logger;
  }

  /** Takes what the process has now for what the idle service needs, and looks once a second from now on. */
  begin(): void {
    this.#limit = this.#options.held() + this.#options.bytes + heapBytes;
    this.#timer = setInterval(() => this.look(), lookMs).unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  get stats(): MemoryStats {
    return { held: this.#options.held(), limit: this.#limit, releases: this.#releases };
  }

  /** Why no adaptation can be begun, in a sentence; undefined where it can. */
  shortage(): string | undefined {
    if (this.#above <= patience) return undefined;
    return (
      `The process has ${mebibytes(this.#options.held())} MiB of memory, and ${mebibytes(this.#limit)} are its limit; ` +
      'no adaptation is begun until it has less.'
    );
  }

  /** Compares what the process has with the limit, and does what follows. */
  look(): void {
    const held = this.#options.held();
    if (held <= this.#limit) {
      if (this.#above > 0) this.#logger.info({ held }, 'memory is below its limit again');
      this.#above = 0;
      return;
    }
    if (this.#above % again === 0) {
      this.#releases++;
      this.#logger.warn(
        { held, limit: this.#limit },
        'memory is above its limit, so kept graphs are released',
      );
      this.#options.release();
    }
    this.#above++;
    if (this.#above === patience + 1)
      this.#logger.error(
        { held, limit: this.#limit },
        'memory stays above its limit, so adaptations are refused',
      );
  }
}

const mebibytes = (bytes: number): string => Math.round(bytes / 1024 ** 2).toLocaleString('en');
