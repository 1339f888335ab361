import { expect } from 'vitest';
import { randomArray } from './random.ts';

/** Values by name, and directions to move them. */
export type Vectors = Readonly<Record<string, Float64Array>>;
/** Values by name of either width. */
export type Numbers = Readonly<Record<string, ArrayLike<number>>>;

export const widened = (values: Numbers): Record<string, Float64Array> =>
  Object.fromEntries(Object.entries(values).map(([name, x]) => [name, Float64Array.from(x)]));

/** Σ a · b over the entries of b; what a lacks counts as zero. */
export const dot = (a: Numbers, b: Vectors): number =>
  Object.entries(b).reduce(
    (total, [name, values]) => values.reduce((part, value, i) => part + value * (a[name]?.[i] ?? 0), total),
    0,
  );

export const norm = (a: Numbers): number =>
  Math.sqrt(
    Object.values(widened(a)).reduce((total, values) => values.reduce((part, x) => part + x * x, total), 0),
  );

export const lengthOf = (a: Numbers): number =>
  Object.values(a).reduce((total, values) => total + values.length, 0);

/** ‖a - b‖ / ‖b‖ over all entries of b together; 0 where there are none. */
export function distance(a: Numbers, b: Vectors): number {
  const off = Object.fromEntries(
    Object.entries(b).map(([name, values]) => [name, values.map((x, i) => x - a[name]![i]!)]),
  );
  return norm(off) / Math.max(norm(b), Number.MIN_VALUE);
}

/** The largest `distance` of a single entry; an entry below 1e-6 of the whole is measured by that instead of itself. */
export function largestDistance(a: Numbers, b: Vectors): number {
  const floor = 1e-6 * norm(b);
  const single = Object.entries(b).map(([name, values]) => {
    const own = norm({ values });
    return (distance({ values: a[name]! }, { values }) * own) / Math.max(own, floor);
  });
  return Math.max(...single);
}

/** A random direction of length 1 over the named values of `point`. */
function randomDirection(point: Vectors, names: readonly string[], seed: number): Vectors {
  const raw = Object.fromEntries(
    names.map((name, i) => [name, randomArray(point[name]!.length, 7919 * seed + i)]),
  );
  const length = norm(raw);
  return Object.fromEntries(names.map((name) => [name, raw[name]!.map((x) => x / length)]));
}

const moved = (point: Vectors, direction: Vectors, by: number): Vectors => ({
  ...point,
  ...Object.fromEntries(
    Object.entries(direction).map(([name, unit]) => [name, point[name]!.map((x, i) => x + by * unit[i]!)]),
  ),
});

/** A value, and a number that is equal where the function has no kink between two points. */
export interface Branched {
  readonly value: number;
  readonly pattern: number;
}

/**
 * The central difference of `f` along `direction` with the longest step of 1e-5, 2.5e-6, ... whose two ends lie on the
 * same side of every kink as the point itself; null when even 1.6e-7 crosses one. Whether a step is taken does not
 * depend on the values, so a wrong derivative is never tried away.
 */
async function centralDifference(
  f: (point: Vectors) => Promise<Branched>,
  point: Vectors,
  direction: Vectors,
  pattern: number,
): Promise<number | null> {
  for (let h = 1e-5; h > 1e-7; h /= 4) {
    const above = await f(moved(point, direction, h));
    if (above.pattern !== pattern) continue;
    const below = await f(moved(point, direction, -h));
    if (below.pattern === pattern) return (above.value - below.value) / (2 * h);
  }
  return null;
}

/** |a - b| relative to the larger one, or to `floor` where both are smaller. */
const relativeError = (a: number, b: number, floor: number): number =>
  Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b), floor);

/**
 * Holds gradients of the named values against central differences of `f` at `point`, along the first random direction
 * without a kink.
 * @param gradients of those names alone
 */
export async function expectDerivative(
  f: (point: Vectors) => Promise<Branched>,
  gradients: Numbers,
  {
    point,
    pattern,
    names,
    seed,
    what,
  }: {
    readonly point: Vectors;
    readonly pattern: number;
    readonly names: readonly string[];
    readonly seed: number;
    readonly what: string;
  },
): Promise<void> {
  let difference: number | null = null;
  let exact = 0;
  for (let trial = 0; trial < 6 && difference === null; trial++) {
    const direction = randomDirection(point, names, seed + trial);
    difference = await centralDifference(f, point, direction, pattern);
    exact = dot(gradients, direction);
  }
  if (difference === null) expect.fail(`${what}: no direction without kinks`);
  // the usual size along a random direction, so that one small by chance is not measured by itself
  const count = names.reduce((total, name) => total + point[name]!.length, 0);
  const floor = Math.max(norm(gradients) / Math.sqrt(count), 1e-6);
  const error = relativeError(exact, difference, floor);
  expect(error, `${what}: ${exact} is not ${difference}`).toBeLessThan(2e-6);
}

/** Mean cross-entropy of logits [n, way] and one-hot targets. */
export function meanCrossEntropy(logits: ArrayLike<number>, targets: ArrayLike<number>, way: number): number {
  let total = 0;
  for (let row = 0; row < logits.length; row += way) {
    const own = Array.from({ length: way }, (_, c) => logits[row + c]!);
    const partition = Math.log(own.reduce((sum, x) => sum + Math.exp(x), 0));
    own.forEach((x, c) => (total += targets[row + c]! * (partition - x)));
  }
  return (total * way) / logits.length;
}
