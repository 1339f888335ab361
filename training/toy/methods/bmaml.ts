import { gradient } from '../../../model/graph/gradient.ts';
import {
  add,
  broadcast,
  concat,
  divide,
  exp,
  matmul,
  mean,
  multiply,
  negate,
  reshape,
  slice,
  stop,
  subtract,
  sum,
  transpose,
} from '../../../model/graph/operations.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import { sizeOf } from '../../../model/graph/shapes.ts';
import type { ParameterSpecification } from '../../../model/parameters.ts';
import { lookup } from '../../../model/regression/inner-loop.ts';
import type { TaskWeights } from '../../../model/regression/inner-loop.ts';
import type { RegressionMethod } from '../../../model/regression/method.ts';
import { summedError } from '../../../model/regression/tensors.ts';
import { fullyConnected, fullyConnectedSpecifications } from './fully-connected.ts';
import type { FullyConnected } from './fully-connected.ts';

/** The shape of a Bayesian MAML: how many particles, and the leader's steps beyond the chaser's. */
export interface Particles {
  readonly count: number;
  readonly leaderSteps: number;
}

/**
 * BMAML (Yoon et al. 2018): an ensemble of initialisations, moved in the inner loop by Stein variational gradient
 * descent with an RBF kernel. The outer loss is the chaser loss: the distance of the particles after the inner loop
 * from those that go on with the query set too. Predictions are the particles' mean. Theirs takes the median of the
 * distances for the kernel's width, ours the mean, and the likelihood's precision is 1 instead of inferred.
 */
export function bmaml(learner: FullyConnected, { count, leaderSteps }: Particles): RegressionMethod {
  const network = fullyConnectedSpecifications(learner);
  const parameters = network.map((parameter): ParameterSpecification => ({
    ...parameter,
    shape: [count, ...parameter.shape],
  }));
  return {
    parameters,
    predict: ({ supportX, supportY, queryX, queryY }, theta) => {
      const tasks = supportX.shape[0]!;
      const repeated = (points: Tensor): Tensor => {
        const n = points.shape[1]!;
        const shape = [tasks, count, n, 1];
        return reshape(broadcast(reshape(points, [tasks, 1, n, 1]), shape), [tasks * count, n, 1]);
      };
      const start = flatten(
        network.map(({ name, shape }) => {
          const particles = reshape(theta(name), [1, count, ...shape]);
          return reshape(broadcast(particles, [tasks, count, ...shape]), [tasks, count, sizeOf(shape)]);
        }),
      );
      const step = (particles: Tensor, x: Tensor, y: Tensor): Tensor =>
        add(particles, multiply(steinDirection(learner, network, particles, x, y), learner.learningRate));
      const run = (from: Tensor, steps: number, x: Tensor, y: Tensor): Tensor =>
        Array.from({ length: steps }).reduce<Tensor>((particles) => step(particles, x, y), from);
      const chaser = run(start, learner.steps, repeated(supportX), repeated(supportY));
      const all = [concat([supportX, queryX], 1), concat([supportY, queryY], 1)] as const;
      const leader = run(chaser, leaderSteps, repeated(all[0]), repeated(all[1]));
      const distance = subtract(chaser, stop(leader));
      const members = fullyConnected(learner, repeated(queryX), lookup(unflatten(network, chaser)));
      const predictions = mean(reshape(members, [tasks, count, queryX.shape[1]!, 1]), [1]);
      return {
        predictions: reshape(predictions, queryX.shape),
        objective: reshape(sum(multiply(distance, distance)), [1, 1, 1]),
        outputs: { chaser, leader },
      };
    },
  };
}

/** Particles as rows: [t, m, weights]. */
const flatten = (parts: readonly Tensor[]): Tensor => concat(parts, 2);

/** Rows of weights [t, m, weights] as the network's weights, one task a particle: [t · m, ...]. */
function unflatten(network: readonly ParameterSpecification[], particles: Tensor): TaskWeights {
  const rows = particles.shape[0]! * particles.shape[1]!;
  let start = 0;
  return Object.fromEntries(
    network.map(({ name, shape }) => {
      const part = slice(particles, 2, start, sizeOf(shape));
      start += sizeOf(shape);
      return [name, reshape(part, [rows, ...shape])];
    }),
  );
}

/** φ of every particle (Liu & Wang 2016, Eq. 8), [t, m, weights]; log p is minus the mean squared error. */
function steinDirection(
  learner: FullyConnected,
  network: readonly ParameterSpecification[],
  particles: Tensor,
  x: Tensor,
  y: Tensor,
): Tensor {
  const [t, m] = particles.shape as [number, number];
  const error = summedError(fullyConnected(learner, x, lookup(unflatten(network, particles))), y);
  const [toError] = gradient(error, [particles]);
  const products = matmul(particles, particles, false, true); // [t, m, m]
  const squares = sum(multiply(particles, particles), [2]); // [t, m, 1]
  const distances = subtract(
    add(broadcast(squares, [t, m, m]), broadcast(transpose(squares, [0, 2, 1]), [t, m, m])),
    multiply(products, 2),
  );
  const width = multiply(add(mean(distances, [1, 2]), 1e-6), 1 / Math.log(m + 1));
  const kernel = exp(negate(divide(distances, broadcast(width, [t, m, m]))));
  const attraction = matmul(kernel, negate(toError!));
  const spread = subtract(
    multiply(particles, broadcast(sum(kernel, [2]), particles.shape)),
    matmul(kernel, particles),
  );
  const repulsion = multiply(spread, broadcast(divide(2, width), particles.shape));
  return multiply(add(attraction, repulsion), 1 / m);
}
