import { innerLoop, lookup } from '../../../model/regression/inner-loop.ts';
import type { RegressionMethod } from '../../../model/regression/method.ts';
import { perTask, summedError } from '../../../model/regression/tensors.ts';
import { fullyConnected, fullyConnectedSpecifications } from './fully-connected.ts';
import type { FullyConnected } from './fully-connected.ts';

/** MAML (Finn et al. 2017): one initialisation for all tasks. */
export function maml(learner: FullyConnected): RegressionMethod {
  const parameters = fullyConnectedSpecifications(learner);
  return {
    parameters,
    predict: ({ supportX, supportY, queryX, queryY }, theta) => {
      const tasks = supportX.shape[0]!;
      const start = Object.fromEntries(parameters.map(({ name }) => [name, perTask(theta(name), tasks)]));
      const options = { steps: learner.steps, rate: () => learner.learningRate };
      const adapted = innerLoop(
        (x, weights) => fullyConnected(learner, x, weights),
        start,
        supportX,
        supportY,
        options,
      ).at(-1)!;
      const predictions = fullyConnected(learner, queryX, lookup(adapted));
      return { predictions, objective: summedError(predictions, queryY) };
    },
  };
}
