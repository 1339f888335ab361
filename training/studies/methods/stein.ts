import {
  add,
  broadcast,
  divide,
  exp,
  matmul,
  mean,
  multiply,
  negate,
  subtract,
  sum,
  transpose,
} from '../../../model/graph/operations.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';

/** The shape of a Bayesian MAML: how many particles, and the leader's steps beyond the chaser's. */
export interface Particles {
  readonly count: number;
  readonly leaderSteps: number;
}

/** The sum of one tensor or more. */
export const total = (parts: readonly Tensor[]): Tensor => parts.reduce((all, part) => add(all, part));

/** A weight of all particles of every task, and the gradient of minus log p for it: rows [t, m, size]. */
export interface ParticleRows {
  readonly particles: Tensor;
  readonly gradients: Tensor;
}

/**
 * A step along φ (Liu & Wang 2016, Eq. 8) of all particles, their weights together. φ mixes particles P and their
 * gradients G: with the kernel K, its width h and D = diag(K 1), φ = ((2 / h) (D - K) P - K G) / m, so a step is two
 * products with small matrices. The width is by the mean of the distances, where public code takes their median.
 * @returns the rows after the step, by weight
 */
export function steinStep(weights: readonly ParticleRows[], learningRate: number): Tensor[] {
  const products = total(weights.map(({ particles }) => matmul(particles, particles, false, true))); // [t, m, m]
  const { shape } = products;
  const m = shape[2]!;
  const identity = broadcast(
    products.graph.constant(
      Float64Array.from({ length: m * m }, (_, i) => Number(i % (m + 1) === 0)),
      [1, m, m],
    ),
    shape,
  );
  const squares = sum(multiply(products, identity), [2]); // [t, m, 1]
  const distances = subtract(
    add(broadcast(squares, shape), broadcast(transpose(squares, [0, 2, 1]), shape)),
    multiply(products, 2),
  );
  const width = multiply(add(mean(distances, [1, 2]), 1e-6), 1 / Math.log(m + 1));
  const kernel = exp(negate(divide(distances, broadcast(width, shape))));
  const spread = subtract(multiply(identity, broadcast(sum(kernel, [2]), shape)), kernel); // D - K
  const rate = learningRate / m;
  const stay = add(identity, multiply(spread, broadcast(divide(2 * rate, width), shape)));
  const move = multiply(kernel, -rate);
  return weights.map(({ particles, gradients }) => add(matmul(stay, particles), matmul(move, gradients)));
}
