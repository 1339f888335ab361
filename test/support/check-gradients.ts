import { gradient, innerProduct } from '../../model/graph/gradient.ts';
import { inputsOf } from '../../model/graph/graph.ts';
import { multiply, sum } from '../../model/graph/operations.ts';
import type { Tensor } from '../../model/graph/primitives.ts';
import { evaluate } from '../../model/graph/reference/interpreter.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { randomArray } from './random.ts';

export type Point = Readonly<Record<string, Float64Array>>;

/** Random values in [-1, 1) for every named input that `roots` depend on. */
export function randomPoint(roots: readonly Tensor[], seed: number): Point {
  const inputs = Object.entries(inputsOf(roots));
  return Object.fromEntries(
    inputs.map(([name, tensor], i) => [name, randomArray(sizeOf(tensor.shape), seed + i)]),
  );
}

const along = (point: Point, direction: Point, distance: number): Point =>
  Object.fromEntries(
    Object.entries(point).map(([name, value]) => {
      const by = direction[name];
      return [name, by ? value.map((x, i) => x + distance * by[i]!) : value];
    }),
  );

/** Σ weights · tensor with fixed random weights: makes any output one number. */
export function randomSum(tensor: Tensor, seed: number): Tensor {
  return sum(multiply(tensor, tensor.graph.constant(randomArray(sizeOf(tensor.shape), seed), tensor.shape)));
}

export interface GradientError {
  readonly order: number;
  readonly relative: number;
}

/**
 * The gradient of `loss` of orders 1..`order` against central differences in float64 along random directions, as in
 * JAX's check_grads. Order k + 1 checks the gradient of ⟨gradient of order k, a random direction⟩.
 */
export function checkGradients(
  loss: Tensor,
  point: Point,
  order = 2,
  wrt = Object.keys(point),
): GradientError[] {
  const errors: GradientError[] = [];
  const inputs = inputsOf([loss]);
  const variables = wrt.map((name) => inputs[name]!);
  let current = loss;
  for (let k = 1; k <= order; k++) {
    const direction = Object.fromEntries(
      wrt.map((name, i) => [name, randomArray(point[name]!.length, 1000 * k + i)]),
    );
    const gradients = gradient(current, variables);
    const exact = evaluate(gradients, point).reduce(
      (total, g, i) => total + g.reduce((part, value, j) => part + value * direction[wrt[i]!]![j]!, 0),
      0,
    );
    const h = 1e-5;
    const [above] = evaluate([current], along(point, direction, h));
    const [below] = evaluate([current], along(point, direction, -h));
    const difference = (above![0]! - below![0]!) / (2 * h);
    errors.push({
      order: k,
      relative: Math.abs(exact - difference) / Math.max(1e-3, Math.abs(exact), Math.abs(difference)),
    });
    const constants = variables.map((x, i) =>
      x.graph.constant(randomArray(sizeOf(x.shape), 77 * k + i), x.shape),
    );
    current = innerProduct(gradients, constants);
  }
  return errors;
}
