import { describe, expect, it } from 'vitest';
import { fitInto, project } from '../../web/projection.ts';
import { testRandom } from '../support/random.ts';

/** Points on a plane in eight dimensions: a along (1, 1, 0, …), b along (0, 0, 1, -1, 0, …). */
const placed = (coordinates: readonly (readonly [number, number])[]) =>
  coordinates.map(([a, b]) => [a, a, b, -b, 0, 0, 0, 0].map((value) => value / Math.SQRT2 + 3));

const distance = (p: readonly number[], q: readonly number[]) => Math.hypot(...p.map((v, i) => v - q[i]!));

describe('project', () => {
  it('keeps the distances of points that lie on a plane', () => {
    const next = testRandom(5);
    const points = placed(Array.from({ length: 12 }, () => [5 * next(), 2 * next()] as const));
    const flat = project(points);
    for (let i = 0; i < points.length; i++)
      for (let j = 0; j < i; j++)
        expect(distance(flat[i]!, flat[j]!)).toBeCloseTo(distance(points[i]!, points[j]!), 4);
  });

  it('has the larger variance first, and the mean at 0', () => {
    const flat = project(
      placed([
        [-4, 1],
        [4, 1],
        [-4, -1],
        [4, -1],
      ]),
    );
    expect(flat.map(([x]) => Math.abs(x))).toEqual([4, 4, 4, 4].map((x) => expect.closeTo(x, 6) as number));
    expect(flat.map(([, y]) => Math.abs(y))).toEqual([1, 1, 1, 1].map((y) => expect.closeTo(y, 6) as number));
  });

  it('takes points that are all the same, or only one', () => {
    expect(
      project(
        placed([
          [1, 2],
          [1, 2],
          [1, 2],
        ]),
      ).flat(),
    ).toEqual([0, 0, 0, 0, 0, 0].map((z) => expect.closeTo(z, 9) as number));
    expect(project([[1, 2, 3]])).toEqual([[0, 0]]);
    expect(project([])).toEqual([]);
  });
});

describe('fitInto', () => {
  it('puts the farthest point at the margin and keeps proportions', () => {
    expect(
      fitInto(
        [
          [2, 0],
          [-1, 1],
          [0, 0],
        ],
        100,
        10,
      ),
    ).toEqual([
      [90, 50],
      [30, 30],
      [50, 50],
    ]);
  });
});
