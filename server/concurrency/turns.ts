import { FairQueue } from '../../engine/fair-queue.ts';

export interface TurnsLimits {
  /** units of cost that may be held at a time, above 0 */
  readonly capacity: number;
  /** units that one client may hold at a time; default all */
  readonly share?: number;
  /** turns that may be held at a time; default any number */
  readonly parallel?: number;
  /** turns that may wait, of one client half as many; default any number */
  readonly waiting?: number;
}

/** As many turns wait as may. */
export class LineFullError extends Error {
  override readonly name = 'LineFullError';
  /** of the client itself, or of all */
  readonly whose: 'own' | 'all';

  constructor(whose: 'own' | 'all') {
    super(`the line is full, ${whose === 'own' ? 'of this client' : 'of all clients'}`);
    this.whose = whose;
  }
}

interface Turn {
  readonly client: string;
  readonly cost: number;
  readonly begin: () => void;
}

/**
 * Something of which there is so much at a time. Who finds none of it left waits; the clients take turns,
 * each with an equal share of the cost. The next one is waited for where it needs more than is left, so
 * that what costs much comes, too.
 */
export class Turns {
  readonly #limits: Required<TurnsLimits>;
  readonly #waiting = new FairQueue<Turn>();
  readonly #held = new Map<string, number>();
  #total = 0;
  #count = 0;

  constructor({ capacity, share = capacity, parallel = Infinity, waiting = Infinity }: TurnsLimits) {
    this.#limits = { capacity, share, parallel, waiting };
  }

  /** How many wait: of all clients, or of one. */
  waiting(client?: string): number {
    return this.#waiting.size(client);
  }

  /**
   * Resolves when it is the client's turn, to what ends the turn, which may be called more than once.
   * @param cost in units of the capacity; more than a client may hold counts as that
   * @throws LineFullError, the signal's reason
   */
  async take(client: string, cost: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { share, waiting } = this.#limits;
    const units = Math.min(Math.max(cost, Number.MIN_VALUE), share);
    if (this.#waiting.size() > 0 || !this.#isFree({ client, cost: units })) {
      const ownFull = this.#waiting.size(client) >= Math.ceil(waiting / 2);
      if (ownFull && !this.#mayHold({ client, cost: units })) throw new LineFullError('own');
      if (this.#waiting.size() >= waiting) throw new LineFullError('all');
      if (ownFull) throw new LineFullError('own');
    }
    let begin = () => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const turn: Turn = { client, cost: units, begin };
    this.#waiting.add(client, units, turn);
    this.#next();
    await this.#unlessAborted(turn, begun, signal);
    let over = false;
    return () => {
      if (!over) this.#end(turn);
      over = true;
    };
  }

  /** @throws the signal's reason, where it comes before the turn */
  async #unlessAborted(turn: Turn, begun: Promise<void>, signal: AbortSignal): Promise<void> {
    let abort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      abort = () => {
        this.#waiting.remove(turn);
        this.#next();
        reject(signal.reason as Error);
      };
    });
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([begun, aborted]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #next(): void {
    for (;;) {
      const turn = this.#waiting.peek((one) => this.#mayHold(one));
      if (!turn || !this.#isFree(turn)) return;
      this.#waiting.take((one) => one === turn);
      this.#total += turn.cost;
      this.#count++;
      this.#held.set(turn.client, (this.#held.get(turn.client) ?? 0) + turn.cost);
      turn.begin();
    }
  }

  #end({ client, cost }: Turn): void {
    this.#total -= cost;
    this.#count--;
    const left = this.#held.get(client)! - cost;
    if (left > 0) this.#held.set(client, left);
    else this.#held.delete(client);
    this.#next();
  }

  /** Whether the client's own share has room. */
  #mayHold({ client, cost }: Pick<Turn, 'client' | 'cost'>): boolean {
    return (this.#held.get(client) ?? 0) + cost <= this.#limits.share;
  }

  #isFree(turn: Pick<Turn, 'client' | 'cost'>): boolean {
    const { capacity, parallel } = this.#limits;
    return this.#mayHold(turn) && this.#count < parallel && this.#total + turn.cost <= capacity;
  }
}
