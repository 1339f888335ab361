import type { Weights } from '../../../../model/graph/weights.ts';
import { relu } from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import { denseSpecifications } from '../../../../model/layers/parameter-specification.ts';
import { innerLoop, lookup, queryLoss } from '../../../../model/regression/inner-loop.ts';
import type { TaskWeights } from '../../../../model/regression/inner-loop.ts';
import { innerRate, rateSpecifications } from '../../../../model/regression/inner-rates.ts';
import type { Prediction } from '../../../../model/regression/method.ts';
import type { RegressionTraining } from '../../../../model/regression/mnas.ts';
import { taskDense } from '../../../../model/regression/tensors.ts';
import type { RegressionTasks } from '../../../../model/regression/tensors.ts';
import type { ToyConfiguration } from '../configuration.ts';

/** The baselines' base learner: `layers` hidden layers of `width` units, 7,801 weights at 4 and 50. */
export type FullyConnected = Extract<ToyConfiguration['method'], { kind: 'mt-net' }>['learner'];

/** The same where its inner rates may be learned. */
export type RatedLearner = Extract<ToyConfiguration['method'], { kind: 'maml' }>['learner'];

/** What becomes of a hidden layer's product, by the layer's name. */
export type Activation = (linear: Tensor, layer: string) => Tensor;

/** Names of the layers, the output layer last. */
export const layerNames = ({ layers }: FullyConnected): string[] =>
  Array.from({ length: layers + 1 }, (_, i) => `layer.${i}`);

export function fullyConnectedSpecifications(learner: FullyConnected): ParameterSpecification[] {
  const names = layerNames(learner);
  return names.flatMap((name, i) =>
    denseSpecifications(
      'weights',
      name,
      i === 0 ? 1 : learner.width,
      i === names.length - 1 ? 1 : learner.width,
      Math.SQRT2,
    ),
  );
}

/** Predictions for x [t, n, 1] with each task's own weights; `activate` is what a hidden layer ends with. */
export function fullyConnected(
  learner: FullyConnected,
  x: Tensor,
  weights: Weights,
  activate: Activation = relu,
): Tensor {
  const names = layerNames(learner);
  return names.reduce((state, name, i) => {
    const linear = taskDense(state, weights(`${name}.weight`), weights(`${name}.bias`));
    return i === names.length - 1 ? linear : activate(linear, name);
  }, x);
}

/** Θ's part of the base learner: its weights and, if learned, their inner rates. */
export function learnerSpecifications(learner: RatedLearner): ParameterSpecification[] {
  const weights = fullyConnectedSpecifications(learner);
  return [...weights, ...rateSpecifications(learner, weights)];
}

/**
 * The inner loop from `start`, each task's own initial weights: predictions for the query points and the loss on them.
 * `activate` is as in `fullyConnected`.
 */
export function adaptedPrediction(
  learner: RatedLearner,
  { supportX, supportY, queryX, queryY }: RegressionTasks,
  start: TaskWeights,
  theta: Weights,
  { stepWeights }: RegressionTraining,
  activate?: Activation,
): Prediction {
  const predict = (x: Tensor, weights: Weights): Tensor => fullyConnected(learner, x, weights, activate);
  const rate = innerRate(learner, fullyConnectedSpecifications(learner), theta);
  const trajectory = innerLoop(predict, start, supportX, supportY, { steps: learner.steps, rate });
  return queryLoss(trajectory, (weights) => predict(queryX, lookup(weights)), queryY, stepWeights);
}
