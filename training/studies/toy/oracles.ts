import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { levenbergMarquardt } from 'ml-levenberg-marquardt';
import { families, familyDefinitions } from './families.ts';
import type { Family, RegressionTask } from './families.ts';

/** What learns nothing from other tasks: predictions for a task's query points. */
export type Oracle = (task: RegressionTask) => Float64Array;

/** Radial basis kernel of length scale 1.5 on noise-free values; the variance is that of the support values. */
const lengthScale = 1.5;
const jitter = 1e-6;

/** Gaussian process regression (Rasmussen & Williams 2006, Algorithm 2.1) around the support mean. */
export const gaussianProcess: Oracle = ({ supportX, supportY, queryX }) => {
  const kernel = (a: number, b: number): number => Math.exp(-((a - b) ** 2) / (2 * lengthScale ** 2));
  const n = supportX.length;
  const mean = supportY.reduce((a, b) => a + b, 0) / n;
  const gram = new Matrix(n, n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) gram.set(i, j, kernel(supportX[i]!, supportX[j]!) + (i === j ? jitter : 0));
  const weights = new CholeskyDecomposition(gram)
    .solve(Matrix.columnVector(Array.from(supportY, (y) => y - mean)))
    .to1DArray();
  return Float64Array.from(queryX, (x) =>
    weights.reduce((total, weight, i) => total + weight * kernel(x, supportX[i]!), mean),
  );
};

const startsEachWay = 3;

/** Starting points: a grid of the middle of each equal part of every coefficient's range, at most 3^5. */
function startingPoints(family: Family): number[][] {
  return familyDefinitions[family].ranges.reduce<number[][]>(
    (points, [low, high]) =>
      points.flatMap((point) =>
        Array.from({ length: startsEachWay }, (_, i) => [
          ...point,
          low + ((high - low) * (i + 0.5)) / startsEachWay,
        ]),
      ),
    [[]],
  );
}

/** How many of the grid's best points are refined. */
const refined = 5;

interface ParametricFit {
  readonly family: Family;
  readonly coefficients: readonly number[];
  readonly residual: number;
}

function fitFamily(family: Family, { supportX, supportY }: RegressionTask): ParametricFit {
  const { value, ranges } = familyDefinitions[family];
  const residual = (coefficients: readonly number[]): number =>
    supportX.reduce((total, x, i) => total + (value(x, coefficients) - supportY[i]!) ** 2, 0);
  const best = startingPoints(family)
    .map((coefficients) => ({ coefficients, residual: residual(coefficients) }))
    .sort((a, b) => a.residual - b.residual)
    .slice(0, refined);
  const fits = best.map(({ coefficients }) => {
    const { parameterValues } = levenbergMarquardt(
      { x: Array.from(supportX), y: Array.from(supportY) },
      (parameters) => (x) => value(x, parameters),
      {
        initialValues: coefficients,
        minValues: ranges.map(([low]) => low),
        maxValues: ranges.map(([, high]) => high),
        damping: 0.1,
        gradientDifference: 1e-5,
        centralDifference: true,
        maxIterations: 100,
        errorTolerance: 1e-9,
      },
    );
    return { family, coefficients: parameterValues, residual: residual(parameterValues) };
  });
  return fits.reduce((a, b) => (b.residual < a.residual ? b : a));
}

/** Knows the four families and their ranges: the best least-squares fit among all of them. */
export const parametricLeastSquares: Oracle = (task) => {
  const fit = families
    .map((family) => fitFamily(family, task))
    .reduce((a, b) => (b.residual < a.residual ? b : a));
  return Float64Array.from(task.queryX, (x) => familyDefinitions[fit.family].value(x, fit.coefficients));
};

/** Mean squared error of an oracle on one task. */
export function oracleError(oracle: Oracle, task: RegressionTask): number {
  const predictions = oracle(task);
  return task.queryY.reduce((total, y, i) => total + (predictions[i]! - y) ** 2, 0) / task.queryY.length;
}
