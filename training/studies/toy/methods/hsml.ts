import { add, concat, multiply, reshape, sigmoid, slice } from '../../../../model/graph/operations.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import { dense } from '../../../../model/layers/primitive-layers.ts';
import { denseSpecifications } from '../../../../model/layers/parameter-specification.ts';
import { encodeTasks, encoderSpecifications } from '../../../../model/regression/encoder.ts';
import type { RegressionMethod } from '../../../../model/regression/method.ts';
import type { RegressionTraining } from '../../../../model/regression/mnas.ts';
import { perTask } from '../../../../model/regression/tensors.ts';
import { adaptedPrediction, fullyConnectedSpecifications, learnerSpecifications } from './fully-connected.ts';
import type { RatedLearner } from './fully-connected.ts';
import type { AutoEncoder } from '../../../../model/configuration.ts';
import { climb, treeSpecifications } from '../../methods/cluster-tree.ts';

/** σ of the tree's clusters (Yao et al. 2019). */
const sigma = 2;

/**
 * HSML (Yao et al. 2019): the initialisation is gated weight by weight, σ(W [z ⊕ h]) ⊙ w̃, by the task embedding z and,
 * with the hierarchy, by what a soft clustering tree makes of it.
 */
export function hsml(
  learner: RatedLearner,
  encoder: AutoEncoder,
  hierarchy: boolean,
  training: RegressionTraining,
): RegressionMethod {
  const weights = fullyConnectedSpecifications(learner);
  const total = weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const { state } = encoder;
  return {
    parameters: [
      ...encoderSpecifications(encoder),
      ...(hierarchy ? treeSpecifications(state) : []),
      ...denseSpecifications('modulator', 'modulator', hierarchy ? 2 * state : state, total, 0.1),
      ...learnerSpecifications(learner),
    ],
    predict: (tasks, theta) => {
      const count = tasks.supportX.shape[0]!;
      const { embedding, reconstruction } = encodeTasks(encoder, tasks.supportX, tasks.supportY, theta);
      const knowledge = hierarchy ? concat([embedding, climb(embedding, sigma, theta)], 1) : embedding;
      const gates = sigmoid(dense(knowledge, theta('modulator.weight'), theta('modulator.bias')));
      let offset = 0;
      const start = Object.fromEntries(
        weights.map(({ name, shape }) => {
          const gate = reshape(slice(gates, 1, offset, sizeOf(shape)), [count, ...shape]);
          offset += sizeOf(shape);
          return [name, multiply(gate, perTask(theta(name), count))];
        }),
      );
      const { predictions, objective } = adaptedPrediction(learner, tasks, start, theta, training);
      const reconstructed = multiply(reconstruction(), training.reconstructionWeight);
      return { predictions, objective: add(objective, reconstructed) };
    },
  };
}
