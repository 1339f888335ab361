import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { softmaxOf } from '../../model/task/labelled-set.ts';

/** Heads on plain features: what a user would build without M-NAS. */
export const plainHeads = ['means', 'ridge 0.1', 'ridge 1', 'logistic 1', 'logistic 10'] as const;
export type PlainHead = (typeof plainHeads)[number];

/** Features of a set of images, [n, f], and their classes. */
export interface PlainSet {
  readonly features: Float32Array;
  readonly labels: readonly number[];
}

/** Steps of accelerated descent; the loss is strongly convex, and answers no longer change. */
const logisticSteps = 200;

/**
 * How many queries each head on a task's plain features tells right. Features are centred by the support set's mean and
 * brought to unit length.
 *
 * `means`: the most similar class mean. `ridge λ`: (K + λI)⁻¹Y, the dual form of ridge regression. `logistic C`: multinomial
 * logistic regression, C Σ cross-entropy + ½‖W‖², as scikit-learn weighs them.
 */
export function plainRight(way: number, support: PlainSet, query: PlainSet): Record<PlainHead, number> {
  const length = support.features.length / support.labels.length;
  const center = meanOf(support.features, length);
  const rows = unitRows(support.features, center);
  const asked = unitRows(query.features, center);
  const gram = rows.mmul(rows.transpose());
  const likeness = asked.mmul(rows.transpose());
  const targets = Matrix.zeros(support.labels.length, way);
  support.labels.forEach((label, i) => targets.set(i, label, 1));
  const right = (coefficients: Matrix): number => {
    const logits = likeness.mmul(coefficients);
    return query.labels.filter((label, i) => logits.maxRowIndex(i)[1] === label).length;
  };
  return {
    means: right(meansOf(gram, targets)),
    'ridge 0.1': right(ridge(gram, targets, 0.1)),
    'ridge 1': right(ridge(gram, targets, 1)),
    'logistic 1': right(logistic(gram, targets, 1)),
    'logistic 10': right(logistic(gram, targets, 10)),
  };
}

function meanOf(features: Float32Array, length: number): Float64Array {
  const mean = new Float64Array(length);
  features.forEach((value, i) => (mean[i % length]! += value));
  return mean.map((total) => (total * length) / features.length);
}

function unitRows(features: Float32Array, center: Float64Array): Matrix {
  const length = center.length;
  const rows = Matrix.zeros(features.length / length, length);
  features.forEach((value, i) => rows.set(Math.floor(i / length), i % length, value - center[i % length]!));
  for (let i = 0; i < rows.rows; i++) {
    const own = rows.getRowVector(i);
    rows.setRow(i, own.div(Math.max(own.norm(), 1e-12)));
  }
  return rows;
}

/** Coefficients of the support images' rows in the unit class means. */
function meansOf(gram: Matrix, targets: Matrix): Matrix {
  const coefficients = targets.clone();
  for (let label = 0; label < targets.columns; label++) {
    const own = targets.getColumnVector(label);
    const square = own.transpose().mmul(gram).mmul(own).get(0, 0);
    coefficients.setColumn(label, own.div(Math.sqrt(Math.max(square, 1e-12))));
  }
  return coefficients;
}

function ridge(gram: Matrix, targets: Matrix, lambda: number): Matrix {
  const regular = Matrix.add(gram, Matrix.eye(gram.rows).mul(lambda));
  const share = targets.mean('column');
  return new CholeskyDecomposition(regular).solve(targets.clone().subRowVector(share));
}

/** The weights are W = Xᵀ·coefficients, so that a step needs the Gram matrix alone (Nesterov's, of constant momentum). */
function logistic(gram: Matrix, targets: Matrix, c: number): Matrix {
  const smoothness = (c * eigenvalueBound(gram)) / 2 + 1;
  const root = Math.sqrt(1 / smoothness);
  const momentum = (1 - root) / (1 + root);
  let coefficients = Matrix.zeros(targets.rows, targets.columns);
  let ahead = coefficients;
  for (let step = 0; step < logisticSteps; step++) {
    const residual = softmaxRows(gram.mmul(ahead)).sub(targets);
    const next = Matrix.sub(ahead, residual.mul(c).add(ahead).div(smoothness));
    ahead = Matrix.add(next, Matrix.sub(next, coefficients).mul(momentum));
    coefficients = next;
  }
  return coefficients;
}

/** No eigenvalue is larger than the largest sum of a row's sizes. */
const eigenvalueBound = (gram: Matrix): number => Math.max(...Matrix.abs(gram).sum('row'));

function softmaxRows(logits: Matrix): Matrix {
  for (let i = 0; i < logits.rows; i++) logits.setRow(i, softmaxOf(logits.getRow(i)));
  return logits;
}
