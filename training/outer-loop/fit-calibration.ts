import { Matrix, solve } from 'ml-matrix';
import { calibrationFeatures } from '../../model/adaptation/calibration.ts';
import type { Answers } from '../evaluation/evaluate-task.ts';

/** Newton steps; the loss is smooth in three coefficients. */
const steps = 50;
/** Keeps what the tasks cannot tell, like the effect of ways where all have five, at 0. */
const ridge = 1e-3;

/**
 * The coefficients of the logarithm of the temperature (`calibrationFeatures`) with the least mean negative
 * log-likelihood over the answers, every task of the same weight.
 */
export function fitCalibration(tasks: readonly Answers[]): Float32Array {
  let coefficients = [0, 0, 0];
  for (let step = 0; step < steps; step++) {
    const gradient = coefficients.map((c) => ridge * c);
    const hessian = Matrix.eye(3).mul(ridge);
    for (const task of tasks) {
      const features = calibrationFeatures(task.size);
      const scale = Math.exp(-features.reduce((total, x, i) => total + x * coefficients[i]!, 0));
      const { first, second } = derivatives(task, scale);
      features.forEach((x, i) => {
        gradient[i]! += (first * x) / tasks.length;
        features.forEach((y, j) => hessian.set(i, j, hessian.get(i, j) + (second * x * y) / tasks.length));
      });
    }
    const change = solve(hessian, Matrix.columnVector(gradient)).to1DArray();
    // a step of at most 1 in any coefficient: far from the minimum the quadratic model is a poor one
    const shrink = Math.min(1, 1 / Math.max(...change.map(Math.abs)));
    coefficients = coefficients.map((c, i) => c - shrink * change[i]!);
  }
  return Float32Array.from(coefficients);
}

/**
 * Fits the coefficients anew at the end of a run, in place: by answers of probabilities as they are without. Where there
 * are none they stay as they were.
 */
export async function calibrate(
  coefficients: Float32Array,
  answersOf: () => Promise<readonly Answers[]>,
): Promise<void> {
  const before = coefficients.slice();
  coefficients.fill(0); // what an earlier end of this run has fitted
  const answers = await answersOf();
  coefficients.set(answers.length === 0 ? before : fitCalibration(answers));
}

/**
 * Derivatives of a task's mean negative log-likelihood for the logarithm t of its temperature, at s = e⁻ᵗ: the first is
 * -s (Σ p z - z_y), the second, without the term that vanishes at the minimum, s² Var_p(z).
 */
function derivatives({ logits, targets, size: { way } }: Answers, scale: number) {
  let [first, second] = [0, 0];
  const count = logits.length / way;
  for (let start = 0; start < logits.length; start += way) {
    const z = Array.from(logits.subarray(start, start + way));
    const top = Math.max(...z);
    const weights = z.map((x) => Math.exp(scale * (x - top)));
    const total = weights.reduce((a, b) => a + b, 0);
    const mean = z.reduce((sum, x, c) => sum + (x * weights[c]!) / total, 0);
    const square = z.reduce((sum, x, c) => sum + (x * x * weights[c]!) / total, 0);
    const own = z.reduce((sum, x, c) => sum + x * targets[start + c]!, 0);
    first -= (scale * (mean - own)) / count;
    second += (scale ** 2 * (square - mean ** 2)) / count;
  }
  return { first, second };
}
