import { Turns } from '../concurrency/turns.ts';
import type { Watcher } from '../ports.ts';

/** Of the memory, what an adaptation may need without waiting: as many of them as the queue takes hold little. */
const smallPart = 1 / 32;

/** Memory that an adaptation may use. */
export interface Room {
  /** Whoever waits for the adaptation, told already that it was taken on where it has waited here. */
  readonly watcher: Watcher;
  /** whether it has, so that the queue of the workers must not refuse it any more */
  readonly admitted: boolean;
  /** gives the memory back */
  readonly end: () => void;
}

/**
 * The memory of the adaptations that run. Large ones take turns, each from its first plane to its end, since the rows that
 * it holds between its jobs count as well; small ones begin at once.
 */
export class JobMemory {
  readonly #turns: Turns;
  readonly #small: number;

  /** @param waiting adaptations that may wait for memory */
  constructor(bytes: number, waiting: number) {
    this.#turns = new Turns({ capacity: bytes, waiting });
    this.#small = bytes * smallPart;
  }

  /** @throws LineFullError, the signal's reason */
  async take(watcher: Watcher, bytes: number): Promise<Room> {
    if (bytes <= this.#small) return { watcher, admitted: false, end: () => undefined };
    const turn = this.#turns.take(watcher.client, bytes, watcher.signal);
    await Promise.race([turn, Promise.resolve()]); // a full line refuses at once
    watcher.report({ kind: 'accepted' });
    const end = await turn;
    return { watcher: { ...watcher, report: unlessAccepted(watcher.report) }, admitted: true, end };
  }
}

const unlessAccepted =
  (report: Watcher['report']): Watcher['report'] =>
  (event) => {
    if (event.kind !== 'accepted') report(event);
  };
