/** What is known of a stored task without reading it; times in milliseconds since 1970. */
export interface Holding {
  readonly bytes: number;
  readonly madeAt: number;
  readonly usedAt: number;
}

export interface StorageLimits {
  /** of all tasks together; 0 for no limit */
  readonly bytes: number;
  /** since a task was made; 0 for no limit */
  readonly days: number;
}

const dayMs = 86_400_000;

/** Whether what was made at a time has been there for more than so many days; 0 days are no limit. */
export const isTooOld = (madeAt: number, days: number, now: number): boolean =>
  days > 0 && now - madeAt > days * dayMs;

/** The tasks of a storage by their use, and which of them have to go. */
export class Inventory {
  readonly #limits: StorageLimits;
  /** the least recently used first */
  readonly #holdings = new Map<string, Holding>();
  #bytes = 0;

  constructor(limits: StorageLimits) {
    this.#limits = limits;
  }

  get tasks(): number {
    return this.#holdings.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Forgets all tasks, and notes these instead. */
  replace(holdings: Iterable<readonly [string, Holding]>): void {
    this.#holdings.clear();
    this.#bytes = 0;
    for (const [id, holding] of [...holdings].sort(([, a], [, b]) => a.usedAt - b.usedAt))
      this.add(id, holding);
  }

  /** Notes a task as the most recently used. */
  add(id: string, holding: Holding): void {
    this.remove(id);
    this.#holdings.set(id, holding);
    this.#bytes += holding.bytes;
  }

  remove(id: string): void {
    this.#bytes -= this.#holdings.get(id)?.bytes ?? 0;
    this.#holdings.delete(id);
  }

  /** Notes a use. Returns the task as it was before, or undefined when it is not known. */
  use(id: string, now: number): Holding | undefined {
    const holding = this.#holdings.get(id);
    if (holding) this.add(id, { ...holding, usedAt: now });
    return holding;
  }

  /** The ids of the tasks that are too old. */
  expired(now: number): readonly string[] {
    const { days } = this.#limits;
    return [...this.#holdings].flatMap(([id, { madeAt }]) => (isTooOld(madeAt, days, now) ? [id] : []));
  }

  /**
   * The ids, least recently used first, of tasks that make room for so many bytes where a disk has less than the limit
   * promises; none where there is no limit, since then no task may go for another one.
   */
  room(bytes: number): readonly string[] {
    const gone: string[] = [];
    let freed = 0;
    for (const [id, holding] of this.#holdings) {
      if (this.#limits.bytes === 0 || freed >= bytes) break;
      gone.push(id);
      freed += holding.bytes;
    }
    return gone;
  }

  /** The ids, least recently used first, that there is no room for; the last task that was added or used stays. */
  overflow(): readonly string[] {
    const { bytes } = this.#limits;
    const gone: string[] = [];
    let kept = this.#bytes;
    for (const [id, holding] of this.#holdings) {
      if (bytes === 0 || kept <= bytes || gone.length === this.#holdings.size - 1) break;
      gone.push(id);
      kept -= holding.bytes;
    }
    return gone;
  }
}
