/** Losses or gradients that are not finite: training stops here. */
export class DivergenceError extends Error {
  override readonly name = 'DivergenceError';
}

/** What is not finite in a meta-batch. */
export interface Fault {
  /** The task that it begins with, in words, where that is known. */
  readonly task?: string;
  /** The values. */
  readonly values: string;
}

/** Counts the iterations whose gradient is not finite. A run ends when `limit` of them follow one another. */
export class DivergenceGuard {
  readonly #seed: number;
  readonly #limit: number;
  #inARow = 0;

  constructor(seed: number, limit: number) {
    this.#seed = seed;
    this.#limit = limit;
  }

  /**
   * Notes what was found at `iteration` (0-based): a fault, or null where all is finite.
   * @throws DivergenceError at the last iteration that the limit allows
   */
  note(iteration: number, fault: Fault | null): void {
    this.#inARow = fault ? this.#inARow + 1 : 0;
    if (!fault || this.#inARow < this.#limit) return;
    const where =
      this.#limit === 1
        ? `iteration ${iteration}`
        : `${this.#limit} iterations in a row up to ${iteration + 1}`;
    const task = fault.task === undefined ? '' : `, ${fault.task}`;
    throw new DivergenceError(`not finite at ${where}${task}, seed ${this.#seed}: ${fault.values}`);
  }
}
