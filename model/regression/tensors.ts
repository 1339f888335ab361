import { add, broadcast, matmul, multiply, reshape, subtract, sum } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';

/**
 * A meta-batch of regression tasks, side by side: x and y are [t, n, 1] with one row a point. `queryY` is there in
 * training only.
 */
export interface RegressionTasks {
  readonly supportX: Tensor;
  readonly supportY: Tensor;
  readonly queryX: Tensor;
  readonly queryY: Tensor;
}

/** x [t, n, i] times each task's own W [t, i, o] plus b [t, 1, o]. */
export function taskDense(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const y = matmul(x, weight);
  return add(y, broadcast(bias, y.shape));
}

/** One copy a task of what all tasks share: [...s] -> [t, ...s]. */
export const perTask = (x: Tensor, tasks: number): Tensor =>
  broadcast(reshape(x, [1, ...x.shape]), [tasks, ...x.shape]);

/** Σ over tasks of the mean squared error over a task's points, [1, 1, 1]: every task's gradient is its own. */
export function summedError(predictions: Tensor, y: Tensor): Tensor {
  const difference = subtract(predictions, y);
  return multiply(sum(multiply(difference, difference)), 1 / y.shape[1]!);
}

/** Mean squared error of each task, [t, 1, 1]. */
export function taskErrors(predictions: Tensor, y: Tensor): Tensor {
  const difference = subtract(predictions, y);
  return multiply(sum(multiply(difference, difference), [1]), 1 / y.shape[1]!);
}
