import { describe, expect, it } from 'vitest';
import { fitInto, placeLabels, project } from '../../web/projection.ts';
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

describe('labels of the map', () => {
  const square = { side: 320, height: 14, gap: 9 };
  const boxOf = (label: { x: number; y: number; anchor: string }, width: number) => {
    const left = label.anchor === 'start' ? label.x : label.x - width / (label.anchor === 'end' ? 1 : 2);
    return { left, right: left + width, top: label.y - 10.5, bottom: label.y + 3.5 };
  };

  it('do not overprint one another or leave the square', () => {
    const next = testRandom(3);
    const points = Array.from({ length: 20 }, () => [160 + 120 * next(), 160 + 120 * next()] as const);
    const widths = points.map((_, i) => 40 + 3 * i);
    const placed = placeLabels(points, widths, square);
    const boxes = placed.flatMap((label, i) => (label ? [boxOf(label, widths[i]!)] : []));
    expect(boxes.length).toBeGreaterThan(5);
    for (const [i, a] of boxes.entries()) {
      expect(Math.min(a.left, a.top)).toBeGreaterThanOrEqual(0);
      expect(Math.max(a.right, a.bottom)).toBeLessThanOrEqual(320);
      for (const b of boxes.slice(i + 1))
        expect(a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).toBe(false);
    }
  });

  it('stand on other sides of points that are near one another, and the first has one in any case', () => {
    const points = [
      [160, 160],
      [160, 163],
      [161, 161],
      [160, 162],
    ] as const;
    const placed = placeLabels(points, [60, 60, 300, 60], square);
    expect(placed[0]).toEqual({ x: 160, y: 160 - 9 - 3.5, anchor: 'middle' });
    expect(placed[1]!.y).toBeGreaterThan(163);
    expect(placed[2]).toBeUndefined();
  });
});
