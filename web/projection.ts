/** Iterations of the power method: enough for a picture. */
const iterations = 100;

/**
 * Points of any dimension on the plane of their first two principal components, so that what is near stays near. The
 * same points give the same plane; a component without variance is 0.
 * @returns [x, y] by point, in the units of the points, around 0
 */
export function project(points: readonly (readonly number[])[]): (readonly [number, number])[] {
  const size = points[0]?.length ?? 0;
  const mean = Array.from(
    { length: size },
    (_, i) => points.reduce((sum, p) => sum + p[i]!, 0) / points.length,
  );
  const centred = points.map((point) => point.map((value, i) => value - mean[i]!));
  const first = principal(centred);
  const second = principal(centred.map((point) => without(point, first)));
  return centred.map((point) => [dot(point, first), dot(point, second)]);
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i]!, 0);

function without(point: readonly number[], direction: readonly number[]): number[] {
  const share = dot(point, direction);
  return point.map((value, i) => value - share * direction[i]!);
}

/** The direction of the largest variance, by the power method on the covariance, from the longest of the points. */
function principal(points: readonly (readonly number[])[]): readonly number[] {
  const lengths = points.map((point) => dot(point, point));
  const longest = points[lengths.indexOf(Math.max(...lengths))] ?? [];
  let direction = unit(longest);
  for (let i = 0; i < iterations; i++) {
    const next = direction.map(() => 0);
    for (const point of points) {
      const share = dot(point, direction);
      point.forEach((value, k) => (next[k]! += share * value));
    }
    direction = unit(next);
  }
  return direction;
}

/** Of length 1; what is as good as 0 stays 0. */
function unit(vector: readonly number[]): readonly number[] {
  const length = Math.sqrt(dot(vector, vector));
  return vector.map((value) => (length < 1e-12 ? 0 : value / length));
}

/** Positions of points in a square of the given side, with a margin, keeping their proportions. */
export function fitInto(
  points: readonly (readonly [number, number])[],
  side: number,
  margin: number,
): (readonly [number, number])[] {
  const reach = Math.max(1e-12, ...points.flatMap(([x, y]) => [Math.abs(x), Math.abs(y)]));
  const scale = (side / 2 - margin) / reach;
  return points.map(([x, y]) => [side / 2 + x * scale, side / 2 - y * scale]);
}

/** A text beside a point: where it begins, ends or has its middle. */
export interface PlacedLabel {
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const meet = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/**
 * Where the points' labels stand: above, below, right or left of them, wherever there is room, the first point first. None
 * overprints another label or point, or leaves the square; a label that has no room is undefined.
 * @param widths of the labels, and `height` of a line, in the units of the square
 */
export function placeLabels(
  points: readonly (readonly [number, number])[],
  widths: readonly number[],
  { side, height, gap }: { readonly side: number; readonly height: number; readonly gap: number },
): readonly (PlacedLabel | undefined)[] {
  const taken: Box[] = points.map(([x, y]) => ({
    left: x - gap,
    right: x + gap,
    top: y - gap,
    bottom: y + gap,
  }));
  return points.map(([x, y], i) => {
    const width = widths[i]!;
    const ways: readonly (PlacedLabel & { readonly left: number })[] = [
      { x, y: y - gap - height * 0.25, anchor: 'middle', left: x - width / 2 },
      { x, y: y + gap + height * 0.75, anchor: 'middle', left: x - width / 2 },
      { x: x + gap, y: y + height * 0.25, anchor: 'start', left: x + gap },
      { x: x - gap, y: y + height * 0.25, anchor: 'end', left: x - gap - width },
    ];
    for (const { left, ...label } of ways) {
      const box = {
        left,
        right: left + width,
        top: label.y - height * 0.75,
        bottom: label.y + height * 0.25,
      };
      const inside = box.left >= 0 && box.right <= side && box.top >= 0 && box.bottom <= side;
      if (!inside || taken.some((other) => meet(box, other))) continue;
      taken.push(box);
      return label;
    }
    return undefined;
  });
}
