import { describe, expect, it } from 'vitest';
import { Graph, inputsOf } from '../../../model/graph/graph.ts';
import { gradient } from '../../../model/graph/gradient.ts';
import { matmul } from '../../../model/graph/operations.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { leaveOneOutLoss, viewsLoss } from '../../../model/head/losses.ts';
import { leaveOneOut, ridgeHead } from '../../../model/head/ridge.ts';
import { checkGradients } from '../../support/check-gradients.ts';
import type { Point } from '../../support/check-gradients.ts';
import { oneHot, unitFeatures } from '../../support/ridge.ts';

interface Case {
  readonly loss: Tensor;
  readonly predictions: Tensor;
  readonly point: Point;
}

const scalars = { lambda: Float64Array.of(0.4), scale: Float64Array.of(6) };

function leftOut(sizes: readonly number[], f: number): Case {
  const graph = new Graph();
  const n = sizes.reduce((total, size) => total + size, 0);
  const problem = {
    features: graph.input('x', [n, f]),
    targets: graph.constant(oneHot(sizes), [n, sizes.length]),
    lambda: graph.input('lambda', [1, 1]),
    scale: graph.input('scale', [1, 1]),
  };
  const point = { x: unitFeatures(sizes, f, 5), ...scalars };
  return { loss: leaveOneOutLoss(problem), predictions: leaveOneOut(problem), point };
}

/** Two views of each of three images, against the head of one or three views of them. */
function views(made: number, f: number): Case {
  const graph = new Graph();
  const labelled = (name: string, each: number) => ({
    features: graph.input(name, [3 * each, f]),
    targets: graph.constant(oneHot([each, each, each]), [3 * each, 3]),
  });
  const [shown, asked] = [labelled('made', made), labelled('asked', 2)];
  const [lambda, scale] = [graph.input('lambda', [1, 1]), graph.input('scale', [1, 1])];
  const { weight } = ridgeHead({ ...shown, lambda });
  return {
    loss: viewsLoss({ made: shown, asked, lambda, scale }),
    predictions: matmul(asked.features, weight, false, true),
    point: {
      made: unitFeatures([made, made, made], f, 5),
      asked: unitFeatures([2, 2, 2], f, 6),
      ...scalars,
    },
  };
}

/** Mean cross-entropy of scaled predictions over the rows whose class has at least `least` of them. */
function expectedLoss({ predictions, point }: Case, sizes: readonly number[], least: number): number {
  const [values] = evaluate([predictions], point);
  const labels = sizes.flatMap((size, label) => Array<number>(size).fill(label));
  const losses = labels.flatMap((label, i) => {
    if (sizes[label]! < least) return [];
    const logits = sizes.map((_, c) => 6 * values![i * sizes.length + c]!);
    return [Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0)) - logits[label]!];
  });
  return losses.reduce((total, loss) => total + loss, 0) / losses.length;
}

const lossOf = ({ loss, point }: Case): number => evaluate([loss], point)[0]![0]!;

function expectExactGradients({ loss, point }: Case): void {
  for (const name of Object.keys(point))
    for (const { order, relative } of checkGradients(loss, point, 2, [name]))
      expect(relative, `order ${order} in ${name}`).toBeLessThan(1e-6);
  for (const { order, relative } of checkGradients(loss, point))
    expect(relative, `order ${order} in all together`).toBeLessThan(1e-6);
}

describe.each([
  ['dual', 20],
  ['primal', 4],
])('the leave-one-out loss by the %s form', (_, f) => {
  it('is the mean over the images whose class has another one', () => {
    const sizes = [1, 2, 4];
    const each = leftOut(sizes, f);
    expect(lossOf(each)).toBeCloseTo(expectedLoss(each, sizes, 2), 12);
    expect(expectedLoss(each, sizes, 1)).not.toBeCloseTo(expectedLoss(each, sizes, 2), 3);
  });

  it('is 0 with a gradient of 0 where every class has one image', () => {
    const { loss, point } = leftOut([1, 1, 1, 1, 1], f);
    const [value, ...gradients] = evaluate([loss, ...gradient(loss, Object.values(inputsOf([loss])))], point);
    for (const values of [value!, ...gradients]) expect(values.every((each) => each === 0)).toBe(true);
    expect(gradients).toHaveLength(3);
  });

  it('has gradients of order 1 and 2 in features, λ and scale', () => {
    expectExactGradients(leftOut([1, 2, 4], f));
  });
});

describe.each([1, 3])('the loss between views, %i made', (made) => {
  it('is the mean over the asked views', () => {
    const each = views(made, 8);
    expect(lossOf(each)).toBeCloseTo(expectedLoss(each, [2, 2, 2], 1), 12);
  });

  it('has gradients of order 1 and 2 in both kinds of features, λ and scale', () => {
    expectExactGradients(views(made, 8));
  });
});
