import { gradient } from '../../../../model/graph/gradient.ts';
import {
  broadcast,
  concat,
  mean,
  multiply,
  reshape,
  stop,
  subtract,
  sum,
} from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import { lookup } from '../../../../model/regression/inner-loop.ts';
import type { TaskWeights } from '../../../../model/regression/inner-loop.ts';
import type { RegressionMethod } from '../../../../model/regression/method.ts';
import { summedError } from '../../../../model/regression/tensors.ts';
import { steinStep, total } from '../../methods/stein.ts';
import type { Particles } from '../../methods/stein.ts';
import { fullyConnected, fullyConnectedSpecifications } from './fully-connected.ts';
import type { FullyConnected } from './fully-connected.ts';

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
      const start = Object.fromEntries(
        network.map(({ name, shape }) => {
          const particles = broadcast(reshape(theta(name), [1, count, ...shape]), [tasks, count, ...shape]);
          return [name, reshape(particles, [tasks * count, ...shape])];
        }),
      );
      const run = (from: TaskWeights, steps: number, x: Tensor, y: Tensor): TaskWeights =>
        Array.from({ length: steps }).reduce<TaskWeights>(
          (particles) => movedParticles(learner, particles, count, x, y),
          from,
        );
      const chaser = run(start, learner.steps, repeated(supportX), repeated(supportY));
      const all = [concat([supportX, queryX], 1), concat([supportY, queryY], 1)] as const;
      const leader = run(chaser, leaderSteps, repeated(all[0]), repeated(all[1]));
      const distances = Object.entries(chaser).map(([name, particles]) => {
        const difference = subtract(particles, stop(leader[name]!));
        return reshape(sum(multiply(difference, difference)), [1, 1, 1]);
      });
      const members = fullyConnected(learner, repeated(queryX), lookup(chaser));
      const predictions = mean(reshape(members, [tasks, count, queryX.shape[1]!, 1]), [1]);
      return {
        predictions: reshape(predictions, queryX.shape),
        objective: total(distances),
      };
    },
  };
}

/** A weight of all particles as rows, [t · m, ...] -> [t, m, size]. */
const particleRows = (weight: Tensor, m: number): Tensor => {
  const t = weight.shape[0]! / m;
  return reshape(weight, [t, m, sizeOf(weight.shape) / (t * m)]);
};

/** A step along φ of all particles, [t · m, ...] by weight; log p is minus the mean squared error. */
function movedParticles(
  learner: FullyConnected,
  particles: TaskWeights,
  m: number,
  x: Tensor,
  y: Tensor,
): TaskWeights {
  const names = Object.keys(particles);
  const error = summedError(fullyConnected(learner, x, lookup(particles)), y);
  const gradients = gradient(
    error,
    names.map((name) => particles[name]!),
  );
  const rows = names.map((name, i) => ({
    particles: particleRows(particles[name]!, m),
    gradients: particleRows(gradients[i]!, m),
  }));
  const moved = steinStep(rows, learner.learningRate);
  return Object.fromEntries(names.map((name, i) => [name, reshape(moved[i]!, particles[name]!.shape)]));
}
