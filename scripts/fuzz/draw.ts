import { fold, keyFrom, uniform } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';

/** Draws one after the other; equal seeds and cases give equal draws. */
export class Draw {
  readonly #key: Key;
  #block: Float64Array = new Float64Array();
  #blocks = 0;
  #at = 0;

  constructor(seed: number, index: number) {
    this.#key = fold(keyFrom(seed), index);
  }

  /** 0 to 1, 1 excluded */
  number(): number {
    if (this.#at >= this.#block.length) {
      this.#block = uniform(fold(this.#key, this.#blocks++), 64);
      this.#at = 0;
    }
    return this.#block[this.#at++]!;
  }

  /** 0 to n - 1 */
  below(n: number): number {
    return Math.floor(this.number() * n);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  chance(probability: number): boolean {
    return this.number() < probability;
  }
}
