import { fold, integer, normal, uniform } from '../../../model/random.ts';
import type { Key } from '../../../model/random.ts';

/** The four families of functions (paper, "Toy Regression"). */
export const families = ['sinusoid', 'linear', 'quadratic', 'harmonic'] as const;
export type Family = (typeof families)[number];

/** A record of the four families. */
export const byFamily = <T>(of: (family: Family) => T): Record<Family, T> =>
  Object.fromEntries(families.map((family) => [family, of(family)])) as Record<Family, T>;

/** The mean over the four families, each with the same weight. */
export const meanOverFamilies = (values: Readonly<Record<Family, number>>): number =>
  families.reduce((total, family) => total + values[family], 0) / families.length;

/** What the paper leaves open: σ of x ~ N(u, σ²), and where the query points lie. */
export interface Reading {
  readonly xStd: number;
  /** `same`: the support points' distribution; `uniform`: U[-5, 5]. */
  readonly query: 'same' | 'uniform';
}

/** The reading that Table 1 is reproduced in. */
export const mainReading: Reading = { xStd: Math.SQRT2, query: 'same' };

export const isMainReading = ({ xStd, query }: Reading): boolean =>
  xStd === mainReading.xStd && query === mainReading.query;

/** One regression task: noise-free values at random points. */
export interface RegressionTask {
  /** Of everything random in the task. */
  readonly key: Key;
  readonly family: Family;
  readonly coefficients: readonly number[];
  readonly supportX: Float32Array;
  readonly supportY: Float32Array;
  readonly queryX: Float32Array;
  readonly queryY: Float32Array;
}

type Range = readonly [low: number, high: number];

interface FamilyDefinition {
  /** Each coefficient is uniform in its range. */
  readonly ranges: readonly Range[];
  readonly value: (x: number, coefficients: readonly number[]) => number;
}

const turn: Range = [0, 2 * Math.PI];
const amplitude: Range = [0.1, 5];
const frequency: Range = [0.8, 1.2];

export const familyDefinitions: Readonly<Record<Family, FamilyDefinition>> = {
  /** a sin(ω x) + b: the paper adds b, and draws it as a phase is drawn. */
  sinusoid: { ranges: [amplitude, frequency, turn], value: (x, [a, w, b]) => a! * Math.sin(w! * x) + b! },
  linear: {
    ranges: [
      [-3, 3],
      [-3, 3],
    ],
    value: (x, [a, b]) => a! * x + b!,
  },
  quadratic: {
    ranges: [
      [-0.2, 0.2],
      [-2, 2],
      [-3, 3],
    ],
    value: (x, [a, b, c]) => (a! * x + b!) * x + c!,
  },
  harmonic: {
    ranges: [amplitude, amplitude, turn, turn, frequency],
    value: (x, [a1, a2, b1, b2, w]) => a1! * Math.sin(w! * x + b1!) + a2! * Math.sin(2 * w! * x + b2!),
  },
};

export interface TaskPoints {
  readonly support: number;
  readonly query: number;
}

/** A task of `family`, or of a random one: a pure function of the key. */
export function drawTask(
  key: Key,
  { xStd, query }: Reading,
  points: TaskPoints,
  family: Family = families[integer(fold(key, 'family'), families.length)]!,
): RegressionTask {
  const { ranges, value } = familyDefinitions[family];
  const units = uniform(fold(key, 'coefficients'), ranges.length);
  const coefficients = ranges.map(([low, high], i) => low + (high - low) * units[i]!);
  const center = -4 + 8 * uniform(fold(key, 'center'), 1)[0]!;
  const around = (name: string, n: number): Float32Array =>
    Float32Array.from(normal(fold(key, name), n), (z: number) => center + xStd * z);
  const supportX = around('support', points.support);
  const queryX =
    query === 'same'
      ? around('query', points.query)
      : Float32Array.from(uniform(fold(key, 'query'), points.query), (u: number) => -5 + 10 * u);
  const at = (xs: Float32Array): Float32Array => xs.map((x) => value(x, coefficients));
  return { key, family, coefficients, supportX, supportY: at(supportX), queryX, queryY: at(queryX) };
}
