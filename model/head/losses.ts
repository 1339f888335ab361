import {
  add,
  broadcast,
  crossEntropy,
  divide,
  logSoftmax,
  matmul,
  multiply,
  negate,
  step,
  subtract,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { classSizes, leaveOneOut, ridgeHead } from './ridge.ts';
import type { RidgeProblem } from './ridge.ts';

/** `scale` [1, 1] turns the head's predictions, which are near 0 and 1, into logits. */
export interface LeaveOneOutProblem extends RidgeProblem {
  readonly scale: Tensor;
}

/** What the head of all others says of each image, [n, way]. */
export function leaveOneOutLogits(problem: LeaveOneOutProblem): Tensor {
  const predictions = leaveOneOut(problem);
  return multiply(predictions, broadcast(problem.scale, predictions.shape));
}

/**
 * Mean cross-entropy [1, 1] of each image against the head of all others. Images whose class has no other image do not
 * count; where none counts, the loss and its gradient are 0.
 */
export function leaveOneOutLoss(problem: LeaveOneOutProblem): Tensor {
  const { targets } = problem;
  const logits = leaveOneOutLogits(problem);
  const counted = step(subtract(classSizes(targets), 1.5)); // [n, 1]
  const count = sum(counted);
  const losses = negate(sum(multiply(targets, logSoftmax(logits)), [1]));
  return divide(sum(multiply(counted, losses)), add(count, subtract(1, step(count))));
}

/** Images with their one-hot classes: features [n, f], targets [n, way]. */
export interface LabelledFeatures {
  readonly features: Tensor;
  readonly targets: Tensor;
}

/** Two sets of views of the same classes; f and way are equal, the numbers of rows are not. */
export interface ViewsProblem {
  /** The views that the head is solved for. */
  readonly made: LabelledFeatures;
  /** The views that it is asked about. */
  readonly asked: LabelledFeatures;
  /** [1, 1], above 0. */
  readonly lambda: Tensor;
  /** [1, 1] */
  readonly scale: Tensor;
}

/** What the head of the made views says of the asked ones, [m, way]. */
export function viewsLogits({ made, asked, lambda, scale }: ViewsProblem): Tensor {
  const { weight } = ridgeHead({ ...made, lambda }); // its bias is zero
  const predictions = matmul(asked.features, weight, false, true);
  return multiply(predictions, broadcast(scale, predictions.shape));
}

/**
 * Mean cross-entropy [1, 1] of the asked views against the head of the made ones: for one image a class, where no image
 * can be left out.
 */
export const viewsLoss = (problem: ViewsProblem): Tensor =>
  crossEntropy(viewsLogits(problem), problem.asked.targets);
