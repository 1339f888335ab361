import { gradient, innerProduct } from '../../model/graph/gradient.ts';
import { inputsOf } from '../../model/graph/graph.ts';
import { multiply, sum } from '../../model/graph/operations.ts';
import type { Tensor } from '../../model/graph/primitives.ts';
import { evaluate } from '../../model/graph/reference/interpreter.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { randomArray } from './random.ts';
import { branchesOf, sideOf } from './reference-programs.ts';

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
  const branches = branchesOf([loss]);
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
    const difference = centralDifference(current, branches, point, direction);
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

/**
 * The central difference of `value` with the longest step of 1e-5, 2.5e-6, ... whose two ends lie on the same side of
 * every branch as the point itself. Whether a step is taken does not depend on the values, so a wrong derivative is never
 * tried away.
 * @throws Error where even 4e-8 crosses a kink
 */
function centralDifference(
  value: Tensor,
  branches: readonly Tensor[],
  point: Point,
  direction: Point,
): number {
  const at = (by: number): { readonly value: number; readonly sides: string } => {
    const [own, ...others] = evaluate([value, ...branches], along(point, direction, by));
    const sides = others.flatMap((values, i) => Array.from(values, (x) => sideOf(branches[i]!, x)));
    return { value: own![0]!, sides: sides.join() };
  };
  const here = at(0).sides;
  for (let h = 1e-5; h > 3e-8; h /= 4) {
    const [above, below] = [at(h), at(-h)];
    if (above.sides === here && below.sides === here) return (above.value - below.value) / (2 * h);
  }
  throw new Error('the point lies at a kink');
}
