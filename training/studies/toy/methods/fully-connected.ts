import type { Weights } from '../../../../model/graph/weights.ts';
import { relu } from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import { denseSpecifications } from '../../../../model/layers/parameter-specification.ts';
import { innerLoop, lookup } from '../../../../model/regression/inner-loop.ts';
import type { TaskWeights } from '../../../../model/regression/inner-loop.ts';
import { taskDense } from '../../../../model/regression/tensors.ts';
import type { RegressionTasks } from '../../../../model/regression/tensors.ts';
import type { ToyConfiguration } from '../configuration.ts';

/** The baselines' base learner: `layers` hidden layers of `width` units, 7,801 weights at 4 and 50. */
export type FullyConnected = Extract<ToyConfiguration['method'], { kind: 'maml' }>['learner'];

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

/** Predictions for x [t, n, 1] with each task's own weights; `change` may change what a hidden layer's ReLU is given. */
export function fullyConnected(
  learner: FullyConnected,
  x: Tensor,
  weights: Weights,
  change: (linear: Tensor, layer: string) => Tensor = (linear) => linear,
): Tensor {
  const names = layerNames(learner);
  return names.reduce((state, name, i) => {
    const linear = taskDense(state, weights(`${name}.weight`), weights(`${name}.bias`));
    return i === names.length - 1 ? linear : relu(change(linear, name));
  }, x);
}

/** Predictions for the query points after the inner loop from `start`, each task's own initial weights. */
export function adaptedPredictions(
  learner: FullyConnected,
  { supportX, supportY, queryX }: RegressionTasks,
  start: TaskWeights,
  change?: (linear: Tensor, layer: string) => Tensor,
): Tensor {
  const predict = (x: Tensor, weights: Weights): Tensor => fullyConnected(learner, x, weights, change);
  const options = { steps: learner.steps, rate: () => learner.learningRate };
  return predict(queryX, lookup(innerLoop(predict, start, supportX, supportY, options).at(-1)!));
}
