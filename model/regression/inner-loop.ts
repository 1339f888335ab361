import { gradient } from '../graph/gradient.ts';
import { add, broadcast, multiply, reshape, subtract } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { undeclared } from '../graph/variables.ts';
import type { Weights } from '../graph/weights.ts';
import type { Prediction } from './method.ts';
import { summedError } from './tensors.ts';

/** Each task's own weights by name, [t, ...]. */
export type TaskWeights = Readonly<Record<string, Tensor>>;

/** What a base learner predicts for x [t, n, 1] with the given weights. */
export type Predict = (x: Tensor, weights: Weights) => Tensor;

export interface InnerLoopOptions {
  readonly steps: number;
  /** ρ of a step and weight: a number, or a tensor of one element. */
  readonly rate: (step: number, name: string) => Tensor | number;
  /** Weights that stay as they are. */
  readonly frozen?: ReadonlySet<string>;
}

/**
 * Weights that are there already.
 * @throws Error where one is asked for that is not
 */
export const lookup =
  (values: TaskWeights): Weights =>
  (name) =>
    values[name] ?? undeclared(name);

/**
 * Eq. 8 on every task at once: SGD on the mean squared error of the support set, kept in the graph so that every
 * derivative of the result is exact.
 * @returns the weights before the first step and after every step
 */
export function innerLoop(
  predict: Predict,
  start: TaskWeights,
  x: Tensor,
  y: Tensor,
  { steps, rate, frozen }: InnerLoopOptions,
): TaskWeights[] {
  const names = Object.keys(start).filter((name) => !frozen?.has(name));
  const trajectory = [start];
  for (let step = 0; step < steps; step++) {
    const current = trajectory[step]!;
    const loss = summedError(predict(x, lookup(current)), y);
    const gradients = gradient(
      loss,
      names.map((name) => current[name]!),
    );
    const moved = names.map((name, i): [string, Tensor] => {
      const rho = rate(step, name);
      const direction = gradients[i]!;
      return [name, subtract(current[name]!, multiply(direction, scaled(rho, direction)))];
    });
    trajectory.push({ ...current, ...Object.fromEntries(moved) });
  }
  return trajectory;
}

/**
 * What the weights after the last step predict for the query points, and the outer loss: the query error after the last
 * step or, by `stepWeights`, a sum of those after every step (MAML++).
 * @param trajectory what `innerLoop` gives
 * @param query predictions [t, m, 1] with given weights
 * @param stepWeights one a step, the first step's first; empty: the last step alone
 */
export function queryLoss(
  trajectory: readonly TaskWeights[],
  query: (weights: TaskWeights) => Tensor,
  queryY: Tensor,
  stepWeights: readonly number[],
): Prediction {
  const predictions = query(trajectory.at(-1)!);
  if (stepWeights.length === 0) return { predictions, objective: summedError(predictions, queryY) };
  const objective = stepWeights
    .map((weight, step) => multiply(summedError(query(trajectory[step + 1]!), queryY), weight))
    .reduce((total, error) => add(total, error));
  return { predictions, objective };
}

/** A rate as an operand of `like`. */
function scaled(rate: Tensor | number, like: Tensor): Tensor | number {
  if (typeof rate === 'number') return rate;
  const ones = like.shape.map(() => 1);
  return broadcast(reshape(rate, ones), like.shape);
}
