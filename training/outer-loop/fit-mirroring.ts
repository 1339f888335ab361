import { Matrix, solve } from 'ml-matrix';

/**
 * A training task: z_i, its domain, and whether the classes of its domain are the same in a mirror (its `augmentation.flip`,
 * on a trunk its `views.mirror`).
 */
export interface EmbeddedTask {
  readonly embedding: Float32Array;
  readonly symmetric: boolean;
  /** Its domain's place among those of the run. */
  readonly domain: number;
}

/** Newton steps; the loss is convex. */
const steps = 30;
/** On coefficients of standardised embeddings, a task: keeps them finite where a plane parts the tasks without error. */
const ridge = 0.01;
/** Of a dimension's deviation: one that no task moves decides nothing. */
const leastDeviation = 1e-6;

/**
 * Coefficients and intercept of the logistic regression of `symmetric` on the embedding
 * (model/adaptation/mirror-images.ts), both kinds of tasks of the same weight in all.
 * @throws RangeError without tasks
 */
export function fitMirroring(tasks: readonly EmbeddedTask[]): Float32Array {
  if (tasks.length === 0) throw new RangeError('no tasks to fit the mirroring to');
  const width = tasks[0]!.embedding.length;
  const kind = (symmetric: boolean): number => tasks.filter((task) => task.symmetric === symmetric).length;
  // all of one kind: the intercept alone says so
  if (kind(true) === 0 || kind(false) === 0)
    return new Float32Array(width + 1).fill(kind(true) === 0 ? -1 : 1, width);
  const rows = new Matrix(tasks.map(({ embedding }) => [...embedding, 1]));
  const means = rows.mean('column');
  const deviations = rows.standardDeviation('column', { mean: means });
  for (let i = 0; i < width; i++)
    for (let row = 0; row < tasks.length; row++)
      rows.set(row, i, (rows.get(row, i) - means[i]!) / Math.max(deviations[i]!, leastDeviation));
  const weights = tasks.map(({ symmetric }) => 0.5 / kind(symmetric));
  const penalty = Matrix.eye(width + 1).mul(ridge);
  let coefficients = Matrix.zeros(width + 1, 1);
  for (let step = 0; step < steps; step++) {
    const likely = rows
      .mmul(coefficients)
      .to1DArray()
      .map((score) => 1 / (1 + Math.exp(-score)));
    const residual = likely.map((p, row) => weights[row]! * (p - Number(tasks[row]!.symmetric)));
    const gradient = rows.transpose().mmul(Matrix.columnVector(residual)).add(penalty.mmul(coefficients));
    const curvature = rows.clone();
    likely.forEach((p, row) => curvature.mulRow(row, weights[row]! * p * (1 - p)));
    const hessian = rows.transpose().mmul(curvature).add(penalty);
    coefficients = coefficients.sub(solve(hessian, gradient));
  }
  const standardised = coefficients.to1DArray();
  const slopes = standardised
    .slice(0, width)
    .map((slope, i) => slope / Math.max(deviations[i]!, leastDeviation));
  const shift = slopes.reduce((total, slope, i) => total + slope * means[i]!, 0);
  return Float32Array.of(...slopes, standardised[width]! - shift);
}
