import { Matrix, solve } from 'ml-matrix';
import { featuresOf } from './cells.ts';
import type { SharedCell } from './cells.ts';

/** Keeps what the measured cells do not tell near their mean. */
const ridge = 0.1;

/** A cell and the accuracy that it reached, 0..1. */
export interface MeasuredCell {
  readonly cell: SharedCell;
  readonly accuracy: number;
}

/** Accuracies of cells that were not measured: ridge regression on their features, by those that were. */
export function predictorOf(measured: readonly MeasuredCell[]): (cell: SharedCell) => number {
  const mean = measured.reduce((total, { accuracy }) => total + accuracy, 0) / measured.length;
  const features = new Matrix(measured.map(({ cell }) => featuresOf(cell)));
  const targets = Matrix.columnVector(measured.map(({ accuracy }) => accuracy - mean));
  const transposed = features.transpose();
  const regular = Matrix.eye(features.columns).mul(ridge);
  const coefficients = solve(transposed.mmul(features).add(regular), transposed.mmul(targets)).to1DArray();
  return (cell) => featuresOf(cell).reduce((total, x, i) => total + x * coefficients[i]!, mean);
}
