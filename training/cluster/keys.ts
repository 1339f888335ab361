/** What all names in Redis begin with, since others may use the same database; BullMQ's prefix, too. */
export const prefix = 'm-nas-train';

/** The names of runs that are announced, a set. */
export const runsKey = `${prefix}:runs`;

/** Where a trainer says what it trains. */
export const announcementKey = (run: string): string => `${prefix}:run:${run}`;

/** Where the machines of a run of one identity exchange what they compute. */
export class RunKeys {
  readonly #base: string;
  /** BullMQ's queue. */
  readonly queue: string;

  constructor(run: string, identity: string) {
    const own = identity.slice(0, 12);
    this.#base = `${prefix}:${run}:${own}`;
    this.queue = `${run}-${own}`;
  }

  /** Ids of machines that take part, a set. */
  get hosts(): string {
    return `${this.#base}:hosts`;
  }

  /** The threads of a machine, while it lives. */
  host(id: string): string {
    return `${this.#base}:host:${id}`;
  }

  /** The iteration whose parts are wanted, as `Wanted` tells it. */
  get wanted(): string {
    return `${this.#base}:wanted`;
  }

  /** Θ of an iteration of a trainer that was started once (`epoch`). */
  parameters(epoch: string, iteration: number): string {
    return `${this.#base}:parameters:${epoch}:${iteration}`;
  }

  /** The sum of a part; `id` is the job's. */
  sum(id: string): string {
    return `${this.#base}:sum:${id}`;
  }
}
