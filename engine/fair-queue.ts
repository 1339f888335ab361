interface Waiting<T> {
  readonly item: T;
  readonly cost: number;
}

/** What one client has waiting, in its order. */
interface Line<T> {
  /**
   * what it was given so far, in units of cost; of a client that was away, at least what the others were
   * given meanwhile
   */
  served: number;
  readonly waiting: Waiting<T>[];
}

/**
 * What waits for its turn, by client. The client that was given the least comes next, so that each gets an
 * equal share of the cost, however much it has waiting. One client alone is served in its order.
 */
export class FairQueue<T> {
  readonly #lines = new Map<string, Line<T>>();
  /** what the client that came last had been given before */
  #served = 0;

  /** Items of all clients, or of one. */
  size(client?: string): number {
    if (client !== undefined) return this.#lines.get(client)?.waiting.length ?? 0;
    return [...this.#lines.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** @param cost above 0, in any unit that is the same for all items */
  add(client: string, cost: number, item: T): void {
    const line = this.#lines.get(client) ?? { served: 0, waiting: [] };
    line.served = Math.max(line.served, this.#served);
    line.waiting.push({ item, cost });
    this.#lines.set(client, line);
  }

  /** Takes an item out of its turn. */
  remove(item: T): void {
    for (const { waiting } of this.#lines.values()) {
      const position = waiting.findIndex((one) => one.item === item);
      if (position >= 0) waiting.splice(position, 1);
    }
    this.#forget();
  }

  /** The next item among those that fit, which stays; undefined where none does. */
  peek(fits: (item: T) => boolean = () => true): T | undefined {
    const next = this.#next(fits);
    return next && next.line.waiting[next.position]!.item;
  }

  /** Takes the next item among those that fit; undefined where none does. */
  take(fits: (item: T) => boolean = () => true): T | undefined {
    const next = this.#next(fits);
    if (!next) return undefined;
    const { line, position } = next;
    const [taken] = line.waiting.splice(position, 1);
    this.#served = Math.max(this.#served, line.served);
    line.served += taken!.cost;
    this.#forget();
    return taken!.item;
  }

  #next(fits: (item: T) => boolean): { readonly line: Line<T>; readonly position: number } | undefined {
    let next: { readonly line: Line<T>; readonly position: number } | undefined;
    for (const line of this.#lines.values()) {
      if (next && next.line.served <= line.served) continue;
      const position = line.waiting.findIndex(({ item }) => fits(item));
      if (position >= 0) next = { line, position };
    }
    return next;
  }

  /** Takes everything. */
  clear(): T[] {
    const all = [...this.#lines.values()].flatMap(({ waiting }) => waiting.map(({ item }) => item));
    this.#lines.clear();
    return all;
  }

  /** Clients that have nothing waiting are forgotten as soon as the others have caught up with them. */
  #forget(): void {
    for (const [client, { served, waiting }] of this.#lines)
      if (waiting.length === 0 && served <= this.#served) this.#lines.delete(client);
  }
}
