/**
 * Splittable, counter-based randomness: a key is a value, and every function here is a pure function of its
 * arguments, so that any task, step or weight can be drawn again without drawing what came before it.
 *
 * The generator is Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011), as in JAX. Counters of values and folds are kept apart by a tag, so that a child key never
 * coincides with a number drawn from its parent.
 */

/** 64 bits of key as two unsigned 32-bit words. Plain data: survives structured clone and JSON. */
export interface Key {
  readonly high: number;
  readonly low: number;
}

/** Tags in the top byte of the second counter word. */
const tags = { value: 0, number: 2, text: 3, textEnd: 4 } as const;

const wordRange = 0x1_0000_0000; // 2^32
const parity = 0x1bd11bda; // Threefish key schedule constant, 32-bit variant (Random123, SKEIN_KS_PARITY32)
const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const; // R_32x2 of Random123

/** One block of Threefry-2x32-20: two counter words to two random words, all unsigned 32-bit. */
export function threefry(key: Key, counterHigh: number, counterLow: number): readonly [number, number] {
  const schedule = [key.high | 0, key.low | 0, parity ^ key.high ^ key.low] as const;
  let x = (counterHigh + schedule[0]) | 0;
  let y = (counterLow + schedule[1]) | 0;
  for (let group = 1; group <= 5; group++) {
    for (const rotation of rotations[group % 2 === 1 ? 0 : 1]) {
      x = (x + y) | 0;
      y = ((y << rotation) | (y >>> (32 - rotation))) ^ x;
    }
    x = (x + schedule[group % 3]!) | 0;
    y = (y + schedule[(group + 1) % 3]! + group) | 0;
  }
  return [x >>> 0, y >>> 0];
}

/** The key of a seed, any safe integer. Throws RangeError otherwise. */
export function keyFrom(seed: number): Key {
  requireSafeInteger(seed, 'seed');
  return { high: Math.floor(seed / wordRange) >>> 0, low: seed >>> 0 };
}

/**
 * A child key for each path of data: `fold(key, 'task', 7)` is `fold(fold(key, 'task'), 7)`.
 * Numbers are safe integers (RangeError otherwise); strings are absorbed by UTF-16 code units.
 */
export function fold(key: Key, ...data: readonly (number | string)[]): Key {
  return data.reduce<Key>(
    (parent, item) => (typeof item === 'number' ? foldNumber(parent, item) : foldText(parent, item)),
    key,
  );
}

/** n uniform numbers in [0, 1), 53 bits each; the i-th does not depend on n. */
export function uniform(key: Key, n: number): Float64Array {
  const values = new Float64Array(n);
  for (let index = 0; index < n; index++) {
    const [high, low] = threefry(key, index, tags.value << 24);
    values[index] = ((high >>> 5) * 0x400_0000 + (low >>> 6)) / 0x20_0000_0000_0000; // 27 + 26 bits over 2^53
  }
  return values;
}

/** n standard normal numbers (Box and Muller 1958); the i-th does not depend on n. */
export function normal(key: Key, n: number): Float64Array {
  const pairs = uniform(key, n + (n % 2));
  for (let first = 0; first < pairs.length; first += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - pairs[first]!)); // 1 - u is in (0, 1]: the logarithm is finite
    const angle = 2 * Math.PI * pairs[first + 1]!;
    pairs[first] = radius * Math.cos(angle);
    pairs[first + 1] = radius * Math.sin(angle);
  }
  return pairs.length === n ? pairs : pairs.slice(0, n);
}

/** One integer in 0..bound-1, without bias; 1 <= bound <= 2^32 (RangeError otherwise). */
export function integer(key: Key, bound: number): number {
  return integersFrom(key)(bound);
}

/** A uniformly drawn order of 0..n-1. */
export function permutation(key: Key, n: number): number[] {
  return choice(key, n, n);
}

/**
 * k different integers of 0..n-1 in random order: the first k steps of a Fisher-Yates shuffle, so a choice
 * of fewer is a prefix of a choice of more. Throws RangeError unless 0 <= k <= n.
 */
export function choice(key: Key, n: number, k: number): number[] {
  if (!(k >= 0 && k <= n)) throw new RangeError(`cannot choose ${k} of ${n}`);
  const next = integersFrom(key);
  const moved = new Map<number, number>(); // sparse shuffle: places that no longer hold their own index
  return Array.from({ length: k }, (_, index) => {
    const place = index + next(n - index);
    const chosen = moved.get(place) ?? place;
    moved.set(place, moved.get(index) ?? index);
    return chosen;
  });
}

/** A stream of unbiased integers; words in the incomplete last multiple of the bound are rejected. */
function integersFrom(key: Key): (bound: number) => number {
  let counter = 0;
  return (bound) => {
    if (!Number.isInteger(bound) || bound < 1 || bound > wordRange) {
      throw new RangeError(`a bound is an integer in 1..2^32, not ${bound}`);
    }
    const limit = wordRange - (wordRange % bound);
    for (;;) {
      const [word] = threefry(key, counter++, tags.value << 24);
      if (word < limit) return word % bound;
    }
  };
}

function child(key: Key, counter: number, tag: number, extra: number): Key {
  const [high, low] = threefry(key, counter, (tag << 24) | extra);
  return { high, low };
}

function foldNumber(key: Key, value: number): Key {
  requireSafeInteger(value, 'folded number');
  return child(key, value >>> 0, tags.number, Math.floor(value / wordRange) & 0x3f_ffff); // 54 bits, two's complement
}

function foldText(key: Key, text: string): Key {
  let state = key;
  for (let index = 0; index < text.length; index++) {
    state = child(state, text.charCodeAt(index), tags.text, 0);
  }
  return child(state, text.length, tags.textEnd, 0);
}

function requireSafeInteger(value: number, what: string): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`a ${what} is a safe integer, not ${value}`);
}
