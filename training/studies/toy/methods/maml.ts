import type { RegressionMethod } from '../../../../model/regression/method.ts';
import { perTask, summedError } from '../../../../model/regression/tensors.ts';
import { adaptedPredictions, fullyConnectedSpecifications } from './fully-connected.ts';
import type { FullyConnected } from './fully-connected.ts';

/** MAML (Finn et al. 2017): one initialisation for all tasks. */
export function maml(learner: FullyConnected): RegressionMethod {
  const parameters = fullyConnectedSpecifications(learner);
  return {
    parameters,
    predict: (tasks, theta) => {
      const count = tasks.supportX.shape[0]!;
      const start = Object.fromEntries(parameters.map(({ name }) => [name, perTask(theta(name), count)]));
      const predictions = adaptedPredictions(learner, tasks, start);
      return { predictions, objective: summedError(predictions, tasks.queryY) };
    },
  };
}
