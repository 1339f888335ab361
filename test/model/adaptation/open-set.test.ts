import { describe, expect, it } from 'vitest';
import { Graph } from '../../../model/graph/graph.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { calibrateOpenSet, knownOf, knownProbability } from '../../../model/adaptation/open-set.ts';
import type { LabelledFeatures } from '../../../model/adaptation/open-set.ts';
import { testRandom } from '../../support/random.ts';

const width = 6;

/** Gaussian-like clouds around one centre a class; `spread` is how far images are from it. */
function clouds(sizes: readonly number[], spread: number, seed = 1): LabelledFeatures {
  const next = testRandom(seed);
  const vector = (scale: number): number[] => Array.from({ length: width }, () => scale * next());
  const rows = sizes.flatMap((size, label) => {
    const centre = vector(5);
    return Array.from({ length: size }, () => {
      const away = vector(spread);
      return { label, row: centre.map((value, i) => value + away[i]!) };
    });
  });
  return {
    features: Float32Array.from(rows.flatMap(({ row }) => row)),
    labels: rows.map(({ label }) => label),
    way: sizes.length,
  };
}

describe('knownProbability', () => {
  it.each([2, 3, 5, 8, 20])('is the sigmoid of the distance to the nearest of %i class means', (way) => {
    const openSet = calibrateOpenSet(clouds(Array<number>(way).fill(3), 1));
    const queries = clouds([7], 4, 2).features;
    const input = new Graph().input('features', [7, width]);
    const [known] = evaluate([knownProbability(input, openSet)], {
      features: Float64Array.from(queries),
    });
    knownOf(queries, openSet, way).forEach((own, i) => expect(known![i]).toBeCloseTo(own, 5));
  });
});

/** Of three images of one class and three of another, equal ones, on a line. */
const midpointOf = (line: readonly number[]) =>
  calibrateOpenSet({ features: Float32Array.from(line), labels: [0, 0, 0, 1, 1, 1], way: 2 }).midpoint;

/**
 * The same by hand, of the distances of the first class's images that are left out and those without one's own class;
 * with the prior's ten images at base - 0.65 (deviation 0.45) and the others no lower than base - 3.
 */
function midpointBy(distances: Readonly<Record<'known' | 'foreign', readonly number[]>>): number {
  const scoreOf = (d: number): number => Math.log(d ** 2 + 1e-6);
  const foreign = distances.foreign.map(scoreOf);
  const base = foreign.reduce((a, b) => a + b) / 6;
  const known = [...distances.known, 0, 0, 0].map(scoreOf);
  const all = known.map((v) => Math.max(v, base - 3));
  const belongs = (all.reduce((a, b) => a + b) + 10 * (base - 0.65)) / 16;
  return (belongs + base - 0.2) / 2;
}

describe('calibrateOpenSet', () => {
  it('tells members of tight classes from what is far from all of them', () => {
    const support = clouds([5, 5, 5], 0.5);
    const openSet = calibrateOpenSet(support);
    expect(openSet.leftOut).toBe(15);
    const members = knownOf(support.features, openSet, 3);
    expect(Math.min(...members)).toBeGreaterThan(0.5);
    const strangers = knownOf(clouds([6], 5, 9).features, openSet, 3);
    expect(Math.max(...strangers)).toBeLessThan(0.5);
  });

  it('takes members of loose classes for known at distances at which those of tight ones are not', () => {
    const [tight, loose] = [0.5, 2].map((spread) => calibrateOpenSet(clouds([8, 8, 8], spread)));
    expect(loose!.midpoint).toBeGreaterThan(tight!.midpoint);
    expect(loose!.slope).toBeLessThan(tight!.slope);
  });

  it('leaves out one image as if the class had been without it', () => {
    // two classes on a line: means 0 and 10; without x = 2 the mean of the first is -1, so x is 3 away
    expect(midpointOf([-1, -1, 2, 10, 10, 10])).toBeCloseTo(
      midpointBy({ known: [1.5, 1.5, 3], foreign: [11, 11, 8, 10, 10, 10] }),
      6,
    );
  });

  it('takes an image that is nearer to another class than to its own for one of that', () => {
    // the first class has its mean at 2; without x = 8 at -1, which is 9 away, and the other class 2
    expect(midpointOf([-1, -1, 8, 10, 10, 10])).toBeCloseTo(
      midpointBy({ known: [4.5, 4.5, 2], foreign: [11, 11, 2, 8, 8, 8] }),
      6,
    );
  });

  it('leaves out an image with its mirror image', () => {
    // the first class: -1, 2 and their mirror images 0, 1; without 2 and 1 its mean is -0.5, without -1 and 0 it is 1.5
    const line = { features: Float32Array.of(-1, 2, 10, 0, 1, 10), labels: [0, 0, 1, 0, 0, 1], way: 2 };
    const { leftOut, midpoint, means } = calibrateOpenSet({ ...line, mirrored: true });
    expect([...means]).toEqual([0.5, 10]);
    expect(leftOut).toBe(2); // a class of one image and its mirror image has nothing left
    const foreign = [11, 8, 9.5].map((d) => Math.log(d ** 2 + 1e-6));
    const base = foreign.reduce((a, b) => a + b) / 3;
    const known = [2.5, 2.5].map((d) => Math.max(Math.log(d ** 2 + 1e-6), base - 3));
    const belongs = (known[0]! + known[1]! + 10 * (base - 0.65)) / 12;
    expect(midpoint).toBeCloseTo((belongs + base - 0.2) / 2, 6);
  });

  it('rests on the prior where every class has one image, and works with images that are equal', () => {
    const openSet = calibrateOpenSet(clouds([1, 1], 1));
    expect(openSet.leftOut).toBe(0);
    expect(openSet.slope).toBeGreaterThan(0);
    const equal = { features: new Float32Array(4 * width), labels: [0, 0, 1, 1], way: 2 };
    const { midpoint, slope } = calibrateOpenSet(equal);
    expect([midpoint, slope].every(Number.isFinite)).toBe(true);
    expect(slope).toBeGreaterThan(0);
  });

  it('lets nine in ten images of its classes pass by its threshold', () => {
    for (const spread of [0.3, 1, 2]) {
      const { features, labels, way } = clouds([100, 100, 100], spread);
      const rows = (from: number, to: number) =>
        Float32Array.from(
          features.filter((_, at) => {
            const place = Math.floor(at / width) % 100;
            return place >= from && place < to;
          }),
        );
      const own = Array.from(labels).filter((_, i) => i % 100 < 12);
      const openSet = calibrateOpenSet({ features: rows(0, 12), labels: own, way });
      const known = knownOf(rows(12, 100), openSet, way);
      const passing = (all: Float32Array) =>
        all.filter((value) => value >= openSet.threshold).length / all.length;
      expect(passing(known)).toBeGreaterThan(0.85);
      expect(passing(knownOf(clouds([60], 5, 9).features, openSet, way))).toBeLessThan(0.5);
    }
  });

  it('does not depend on the order of images or classes', () => {
    const support = clouds([3, 1, 4], 1);
    const expected = calibrateOpenSet(support);
    const order = [5, 2, 7, 0, 3, 6, 1, 4];
    const rows = order.map((i) => support.features.subarray(i * width, (i + 1) * width));
    const renamed = [2, 0, 1];
    const { midpoint, slope } = calibrateOpenSet({
      features: Float32Array.from(rows.flatMap((row) => [...row])),
      labels: order.map((i) => renamed[support.labels[i]!]!),
      way: 3,
    });
    expect(midpoint).toBeCloseTo(expected.midpoint, 5);
    expect(slope).toBeCloseTo(expected.slope, 4);
  });
});
