import type { ModelConfiguration } from '../../../../model/configuration.ts';
import { partialGradient } from '../../../../model/graph/gradient.ts';
import {
  add,
  concat,
  crossEntropy,
  log,
  multiply,
  reshape,
  slice,
  softmax,
  stop,
  subtract,
  sum,
} from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import type { Shape } from '../../../../model/graph/shapes.ts';
import type { Weights } from '../../../../model/graph/weights.ts';
import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import { weightSpecifications } from '../../../../model/network/weights.ts';
import { steinStep, total } from '../../methods/stein.ts';
import type { Particles } from '../../methods/stein.ts';
import { BaseLearner } from './base-learner.ts';
import type { ImageMethod, TaskTensors } from './method.ts';

/** An adapted weight of all particles, [1, m, size], and the shape that each has. */
interface Rows {
  readonly shape: Shape;
  readonly rows: Tensor;
}
type ParticleWeights = Readonly<Record<string, Rows>>;

/** Keeps the logarithm of a mean probability finite. */
const least = 1e-8;

/**
 * BMAML (Yoon et al. 2018): an ensemble of initialisations of the whole network, moved in the inner loop by Stein
 * variational gradient descent with an RBF kernel; log p is minus the mean cross-entropy. The outer loss is the chaser
 * loss: the distance of the particles after the inner loop from those that go on with the query set too. The answer is
 * the particles' mean probability.
 */
export function bmaml(model: ModelConfiguration, { count, leaderSteps }: Particles): ImageMethod {
  const learner = new BaseLearner(model);
  const parameters = weightSpecifications(model).map((own): ParameterSpecification => ({
    name: own.name,
    group: own.group,
    deviation: own.deviation,
    mean: own.mean,
    shape: [count, ...own.shape],
  }));
  const { statistics } = model.normalization;
  const { steps, learningRate } = model.innerLoop;
  const members = Array.from({ length: count }, (_, member) => member);
  const move = (from: ParticleWeights, times: number, loss: (weights: Weights) => Tensor): ParticleWeights =>
    Array.from({ length: times }).reduce<ParticleWeights>(
      (particles) => moved(particles, members, loss, learningRate),
      from,
    );
  return {
    parameters,
    predict: (task, theta) => {
      const chaser = move(startOf(learner, task, theta, members), steps, (weights) =>
        learner.supportLoss(task, weights),
      );
      const targets = concat([task.targets, task.queryTargets], 0);
      return {
        logits: (asked) => {
          const answers = members.map((member) =>
            softmax(learner.answers(task, memberOf(chaser, member), asked)),
          );
          return log(add(multiply(total(answers), 1 / count), least));
        },
        objective: () => {
          const leader = move(chaser, leaderSteps, (weights) =>
            crossEntropy(learner.together(task, weights, statistics), targets),
          );
          return total(
            Object.entries(chaser).map(([name, { rows }]) => {
              const difference = subtract(rows, stop(leader[name]!.rows));
              return sum(multiply(difference, difference));
            }),
          );
        },
      };
    },
  };
}

/** Before the first step: the meta-weights of every particle, with its own head. */
function startOf(
  learner: BaseLearner,
  task: TaskTensors,
  theta: Weights,
  members: readonly number[],
): ParticleWeights {
  const starts = members.map((member) =>
    learner.start(task, (name) => {
      const all = theta(name);
      return reshape(slice(all, 0, member, 1), all.shape.slice(1));
    }),
  );
  return Object.fromEntries(
    Object.entries(starts[0]!).map(([name, { shape }]) => {
      const rows = starts.map((own) => reshape(own[name]!, [1, 1, sizeOf(shape)]));
      return [name, { shape, rows: concat(rows, 1) }];
    }),
  );
}

const memberOf =
  (particles: ParticleWeights, member: number): Weights =>
  (name) => {
    const { shape, rows } = particles[name]!;
    return reshape(slice(rows, 1, member, 1), shape);
  };

/** The particles after a step down `loss`, which is that of one particle. */
function moved(
  particles: ParticleWeights,
  members: readonly number[],
  loss: (weights: Weights) => Tensor,
  learningRate: number,
): ParticleWeights {
  const entries = Object.entries(particles);
  const gradients = partialGradient(
    total(members.map((member) => loss(memberOf(particles, member)))),
    entries.map(([, { rows }]) => rows),
  );
  const next = steinStep(
    entries.map(([, { rows }], i) => ({ particles: rows, gradients: gradients[i]! })),
    learningRate,
  );
  return Object.fromEntries(entries.map(([name, { shape }], i) => [name, { shape, rows: next[i]! }]));
}
