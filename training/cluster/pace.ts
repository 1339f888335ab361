/** Parts whose times are remembered. */
const remembered = 16;
/** How many times the usual time a machine may take, and what it may take besides, milliseconds. */
const factor = 3;
const grace = 2000;

/** What a task of a run takes, on whatever machine. */
export class Pace {
  #times: number[] = [];

  /** @param milliseconds of a part of so many tasks */
  note(tasks: number, milliseconds: number): void {
    this.#times = [...this.#times.slice(1 - remembered), milliseconds / tasks];
  }

  /** How long a machine may take for a part before another is given it, too, milliseconds. */
  patience(tasks: number): number {
    if (this.#times.length === 0) return Number.POSITIVE_INFINITY;
    const sorted = this.#times.toSorted((a, b) => a - b);
    return factor * tasks * sorted[Math.floor(sorted.length / 2)]! + grace;
  }
}
