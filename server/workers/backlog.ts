/** Multiply-adds a second of one worker, before any job has told: what one core of the day does. */
const FIRST_SPEED = 8e9;
/** Seconds of work that the speed is learned from; what is older counts less and less. */
const REMEMBERED_SECONDS = 60;
/** As so many seconds of work counts what the speed is at first. */
const FIRST_SECONDS = 10;

/** How fast one worker is, learned from what it has done. Costs are in multiply-adds. */
export class Speed {
  #cost = FIRST_SPEED * FIRST_SECONDS;
  #seconds = FIRST_SECONDS;

  /** Learns from work that a worker has done. */
  learn(cost: number, seconds: number): void {
    const kept = Math.max(0, 1 - seconds / REMEMBERED_SECONDS);
    this.#cost = kept * this.#cost + cost;
    this.#seconds = kept * this.#seconds + seconds;
  }

  /** Seconds that one worker needs for so much work, as estimated. */
  seconds(cost: number): number {
    return (cost * this.#seconds) / this.#cost;
  }
}

/**
 * Work that was asked for and is not done, by client, and how fast it is done. Costs are in multiply-adds.
 */
export class Backlog {
  readonly #workers: number;
  readonly #speed: Speed;
  readonly #undone = new Map<string, { cost: number; requests: number }>();

  /** @param workers that do it at the same time, at least 1 */
  constructor(workers: number, speed = new Speed()) {
    this.#workers = workers;
    this.#speed = speed;
  }

  /** Notes work of a client; what it returns says that it is done, or given up. */
  add(client: string, cost: number): () => void {
    const own = this.#undone.get(client) ?? { cost: 0, requests: 0 };
    own.cost += cost;
    own.requests++;
    this.#undone.set(client, own);
    return () => {
      own.cost -= cost;
      own.requests--;
      if (own.requests === 0) this.#undone.delete(client);
    };
  }

  /** What a client has undone. */
  of(client: string): { readonly cost: number; readonly requests: number } {
    return this.#undone.get(client) ?? { cost: 0, requests: 0 };
  }

  /** Learns from work that a worker has done how fast it is. */
  learn(cost: number, seconds: number): void {
    this.#speed.learn(cost, seconds);
  }

  /** Seconds that one worker needs for so much work, as estimated. */
  seconds(cost: number): number {
    return this.#speed.seconds(cost);
  }

  /**
   * Seconds until further work of the client is begun, as estimated: since the clients take turns, each of
   * the others is given as much as the client itself before that.
   * @param cost of that work; by default the mean of what is undone
   */
  waitFor(client: string, cost = this.#mean()): number {
    const turn = this.of(client).cost + cost;
    const before = [...this.#undone].reduce(
      (sum, [other, undone]) => sum + (other === client ? undone.cost : Math.min(undone.cost, turn)),
      0,
    );
    return this.seconds(before) / this.#workers;
  }

  /**
   * Seconds until a quarter of everything is done: as soon as that, several of those that were refused find
   * room.
   */
  relief(): number {
    return this.seconds(this.#all().cost / 4) / this.#workers;
  }

  #mean(): number {
    const { cost, requests } = this.#all();
    return requests === 0 ? 0 : cost / requests;
  }

  #all(): { readonly cost: number; readonly requests: number } {
    const all = { cost: 0, requests: 0 };
    for (const { cost, requests } of this.#undone.values()) {
      all.cost += cost;
      all.requests += requests;
    }
    return all;
  }
}
