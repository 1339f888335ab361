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
