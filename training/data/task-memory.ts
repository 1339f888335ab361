import type { ImageMemory } from './tasks.ts';

/**
 * Memory of the images of one task, used again for the next one: a task of 20 ways has 15 MB of them, and new memory
 * for each had the collector run all the time.
 */
export class TaskMemory implements ImageMemory {
  #memory = new Float32Array(0);
  #used = 0;

  /** From now on, what was taken before may be given out again. */
  reset(): void {
    this.#used = 0;
  }

  take(length: number): Float32Array {
    const end = this.#used + length;
    if (end > this.#memory.length) this.#memory = new Float32Array(end);
    const taken = this.#memory.subarray(this.#used, end);
    this.#used = end;
    return taken;
  }
}
