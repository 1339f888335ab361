import { Matrix, solve } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../model/graph/graph.ts';
import { innerProduct } from '../../../model/graph/gradient.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { diagonalMatrix, diagonalOf } from '../../../model/head/diagonal.ts';
import { leaveOneOut, ridgeHead } from '../../../model/head/ridge.ts';
import type { RidgeProblem } from '../../../model/head/ridge.ts';
import { checkGradients, randomSum } from '../../support/check-gradients.ts';
import type { Point } from '../../support/check-gradients.ts';
import { largestDifference } from '../../support/differences.ts';
import { oneHot, unitFeatures } from '../../support/ridge.ts';

/** Classes of very different sizes. */
const sizes = [1, 2, 3, 8];
const [n, way] = [14, 4];
const targets = oneHot(sizes);

/** Fewer images than features, as many, and more: the dual form twice, the primal form twice. */
const widths = [20, 14, 13, 5];

function problemOf(graph: Graph, f: number): RidgeProblem {
  return {
    features: graph.input('x', [n, f]),
    targets: graph.constant(targets, [n, way]),
    lambda: graph.input('lambda', [1, 1]),
  };
}

const pointOf = (f: number, lambda = 0.3): Point => ({
  x: unitFeatures(sizes, f, 3),
  lambda: Float64Array.of(lambda),
});

function valuesOf(build: (problem: RidgeProblem) => Tensor, f: number, point = pointOf(f)): Float64Array {
  return evaluate([build(problemOf(new Graph(), f))], point)[0]!;
}

const weightOf = (problem: RidgeProblem): Tensor => ridgeHead(problem).weight;

const row = (x: Float64Array, i: number): Float64Array =>
  x.subarray((i * x.length) / n, ((i + 1) * x.length) / n);

/** wᵢ: all classes count alike. */
const weights = sizes.flatMap((size) => Array<number>(size).fill(n / way / size));

/** W [way, f] that minimises Σᵢ wᵢ ‖yᵢ - W xᵢ‖² + λ‖W‖² over the images of `kept`, by its normal equations. */
function solved(f: number, { x, lambda }: Point, kept: (image: number) => boolean = () => true): number[] {
  const rows = Array.from({ length: n }, (_, i) => i).filter(kept);
  const images = new Matrix(rows.map((i) => [...row(x!, i)]));
  const labels = new Matrix(rows.map((i) => [...row(targets, i)].map((value) => value * weights[i]!)));
  const weighted = new Matrix(rows.map((i) => [...row(x!, i)].map((value) => value * weights[i]!)));
  const system = images.transpose().mmul(weighted).add(Matrix.eye(f, f).mul(lambda![0]!));
  return solve(system, images.transpose().mmul(labels)).transpose().to1DArray();
}

describe('diagonals', () => {
  it('are put into a matrix and taken out of one', () => {
    const g = new Graph();
    const [made, taken] = evaluate([diagonalMatrix(g.input('v', [3, 1])), diagonalOf(g.input('m', [3, 3]))], {
      v: Float64Array.of(2, 3, 5),
      m: Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
    });
    expect(made).toEqual(Float64Array.of(2, 0, 0, 0, 3, 0, 0, 0, 5));
    expect(taken).toEqual(Float64Array.of(1, 5, 9));
  });
});

describe.each(widths)(`ridge of ${n} images, %i features`, (f) => {
  it('is the minimum of the weighted squares', () => {
    expect(largestDifference(valuesOf(weightOf, f), solved(f, pointOf(f)))).toBeLessThan(1e-9);
  });

  it('is the same as that of the other form: columns of zeros change nothing', () => {
    const wide = f + n;
    const { x, lambda } = pointOf(f);
    const widened = new Float64Array(n * wide);
    for (let i = 0; i < n; i++) widened.set(row(x!, i), i * wide);
    const point = { x: widened, lambda: lambda! };
    const w = valuesOf(weightOf, wide, point).filter((_, i) => i % wide < f);
    expect(largestDifference(valuesOf(weightOf, f), w)).toBeLessThan(1e-9);
    expect(largestDifference(valuesOf(leaveOneOut, f), valuesOf(leaveOneOut, wide, point))).toBeLessThan(
      1e-9,
    );
  });

  it('says of each image left out what the head solved without it says', () => {
    const said = valuesOf(leaveOneOut, f);
    const point = pointOf(f);
    for (let i = 0; i < n; i++) {
      const w = solved(f, point, (other) => other !== i);
      const expected = Array.from({ length: way }, (_, c) =>
        row(point['x']!, i).reduce((total, value, j) => total + value * w[c * f + j]!, 0),
      );
      expect(largestDifference(row(said, i), expected), `image ${i}`).toBeLessThan(1e-9);
    }
  });

  it('tends to class means as λ grows, in classes of any size', () => {
    const point = pointOf(f, 1e8);
    const scaled = valuesOf(weightOf, f, point).map((value) => (value * 1e8 * way) / n);
    const means = sizes.flatMap((size, c) =>
      Array.from({ length: f }, (_, j) => {
        const own = Array.from({ length: n }, (_, i) => targets[i * way + c]! * row(point['x']!, i)[j]!);
        return own.reduce((total, value) => total + value, 0) / size;
      }),
    );
    expect(largestDifference(scaled, means)).toBeLessThan(1e-6);
  });

  it('has gradients of order 1 and 2 in features and λ that agree with central differences', () => {
    const problem = problemOf(new Graph(), f);
    for (const [i, output] of [weightOf(problem), leaveOneOut(problem)].entries()) {
      const loss = innerProduct([output], [output]);
      for (const each of [loss, randomSum(output, i)])
        for (const { order, relative } of checkGradients(each, pointOf(f)))
          expect(relative, `order ${order} of output ${i}`).toBeLessThan(1e-6);
    }
  });
});
