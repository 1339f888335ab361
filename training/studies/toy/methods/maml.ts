import type { RegressionMethod } from '../../../../model/regression/method.ts';
import type { RegressionTraining } from '../../../../model/regression/mnas.ts';
import { perTask } from '../../../../model/regression/tensors.ts';
import { adaptedPrediction, fullyConnectedSpecifications, learnerSpecifications } from './fully-connected.ts';
import type { RatedLearner } from './fully-connected.ts';

/** MAML (Finn et al. 2017): one initialisation for all tasks. */
export function maml(learner: RatedLearner, training: RegressionTraining): RegressionMethod {
  const weights = fullyConnectedSpecifications(learner);
  return {
    parameters: learnerSpecifications(learner),
    predict: (tasks, theta) => {
      const count = tasks.supportX.shape[0]!;
      const start = Object.fromEntries(weights.map(({ name }) => [name, perTask(theta(name), count)]));
      return adaptedPrediction(learner, tasks, start, theta, training);
    },
  };
}
