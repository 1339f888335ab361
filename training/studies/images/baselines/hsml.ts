import { encodeTask, encoderSpecifications } from '../../../../model/embedding/image-encoder.ts';
import type { ModelConfiguration } from '../../../../model/configuration.ts';
import { add, concat, multiply, reshape, sigmoid, slice } from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import { denseSpecifications } from '../../../../model/layers/parameter-specification.ts';
import { dense } from '../../../../model/layers/primitive-layers.ts';
import { weightSpecifications } from '../../../../model/network/weights.ts';
import { climb, treeSpecifications } from '../../methods/cluster-tree.ts';
import { among, BaseLearner } from './base-learner.ts';
import type { ImageMethod } from './method.ts';

/** σ of the tree's clusters for images (Yao et al. 2019). */
const sigma = 10;

/**
 * HSML (Yao et al. 2019): the initialisation is gated weight by weight, σ(W [z ⊕ h]) ⊙ w̃, by the task embedding z and,
 * with the hierarchy, by what a soft clustering tree makes of it. The encoder is the one of the other rows.
 */
export function hsml(
  model: ModelConfiguration,
  { hierarchy, reconstructionWeight }: { readonly hierarchy: boolean; readonly reconstructionWeight: number },
): ImageMethod {
  const learner = new BaseLearner(model);
  const weights = weightSpecifications(model);
  const total = weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const { state } = model.encoder;
  return {
    parameters: [
      ...encoderSpecifications(model),
      ...(hierarchy ? treeSpecifications(state) : []),
      ...denseSpecifications('modulator', 'modulator', hierarchy ? 2 * state : state, total, 0.1),
      ...weights,
    ],
    predict: (task, theta) => {
      const { embedding, reconstruction } = encodeTask(model, task.support, task.targets, theta);
      const known = hierarchy ? concat([embedding, climb(embedding, sigma, theta)], 1) : embedding;
      const gates = sigmoid(dense(known, theta('modulator.weight'), theta('modulator.bias'))); // [1, total]
      let at = 0;
      const gated = weights.map(({ name, shape }): [string, Tensor] => {
        const gate = reshape(slice(gates, 1, at, sizeOf(shape)), shape);
        at += sizeOf(shape);
        return [name, multiply(gate, theta(name))];
      });
      const start = learner.start(task, among(Object.fromEntries(gated)));
      const adapted = among(learner.adapt(task, start));
      return {
        embedding,
        logits: (statistics) => learner.answers(task, adapted, statistics),
        objective: () => {
          const loss = learner.queryLoss(task, adapted);
          return add(loss, multiply(reshape(reconstruction(), loss.shape), reconstructionWeight));
        },
      };
    },
  };
}
