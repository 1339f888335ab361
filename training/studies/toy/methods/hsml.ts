import {
  add,
  concat,
  divide,
  broadcast,
  exp,
  multiply,
  reshape,
  sigmoid,
  slice,
  subtract,
  sum,
  tanh,
} from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import type { Weights } from '../../../../model/graph/weights.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import { dense } from '../../../../model/layers/primitive-layers.ts';
import { denseSpecifications } from '../../../../model/layers/parameter-specification.ts';
import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import { encodeTasks, encoderSpecifications } from '../../../../model/regression/encoder.ts';
import type { RegressionMethod } from '../../../../model/regression/method.ts';
import { perTask, summedError } from '../../../../model/regression/tensors.ts';
import { adaptedPredictions, fullyConnectedSpecifications } from './fully-connected.ts';
import type { FullyConnected } from './fully-connected.ts';
import type { AutoEncoder } from '../../../../model/configuration.ts';

/** Clusters of each level above the task itself (Yao et al. 2019, 4 → 2 → 1 for toy regression) and their σ. */
const levels = [4, 2, 1] as const;
const sigma = 2;

/**
 * HSML (Yao et al. 2019): the initialisation is gated weight by weight, σ(W [z ⊕ h]) ⊙ w̃, by the task embedding z and,
 * with the hierarchy, by what a soft clustering tree makes of it.
 */
export function hsml(
  learner: FullyConnected,
  encoder: AutoEncoder,
  hierarchy: boolean,
  reconstructionWeight: number,
): RegressionMethod {
  const weights = fullyConnectedSpecifications(learner);
  const total = weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const { state } = encoder;
  return {
    parameters: [
      ...encoderSpecifications(encoder),
      ...(hierarchy ? treeSpecifications(state) : []),
      ...denseSpecifications('modulator', 'modulator', hierarchy ? 2 * state : state, total, 0.1),
      ...weights,
    ],
    predict: (tasks, theta) => {
      const count = tasks.supportX.shape[0]!;
      const { embedding, reconstruction } = encodeTasks(encoder, tasks.supportX, tasks.supportY, theta);
      const knowledge = hierarchy ? concat([embedding, climb(embedding, theta)], 1) : embedding;
      const gates = sigmoid(dense(knowledge, theta('modulator.weight'), theta('modulator.bias')));
      let offset = 0;
      const start = Object.fromEntries(
        weights.map(({ name, shape }) => {
          const gate = reshape(slice(gates, 1, offset, sizeOf(shape)), [count, ...shape]);
          offset += sizeOf(shape);
          return [name, multiply(gate, perTask(theta(name), count))];
        }),
      );
      const predictions = adaptedPredictions(learner, tasks, start);
      const error = summedError(predictions, tasks.queryY);
      return { predictions, objective: add(error, multiply(reconstruction(), reconstructionWeight)) };
    },
  };
}

function treeSpecifications(state: number): ParameterSpecification[] {
  return levels.flatMap((clusters, level) => [
    {
      name: `tree.${level}.centers`,
      shape: [clusters, state],
      group: 'modulator' as const,
      deviation: 0.1,
      mean: 0,
    },
    ...denseSpecifications('modulator', `tree.${level}`, state, state),
  ]);
}

/** From the task's embedding [t, d] to the root of the tree [t, d]. */
function climb(embedding: Tensor, theta: Weights): Tensor {
  const [t, d] = embedding.shape as [number, number];
  let vertices = reshape(embedding, [t, 1, d]);
  levels.forEach((clusters, level) => {
    const below = vertices.shape[1]!;
    const shape = [t, below, clusters, d];
    const centers = broadcast(reshape(theta(`tree.${level}.centers`), [1, 1, clusters, d]), shape);
    const distance = subtract(broadcast(reshape(vertices, [t, below, 1, d]), shape), centers);
    const closeness = exp(multiply(sum(multiply(distance, distance), [3]), -1 / (2 * sigma))); // [t, below, clusters, 1]
    const shares = divide(closeness, broadcast(sum(closeness, [2]), closeness.shape));
    const rows = reshape(vertices, [t * below, d]);
    const raised = tanh(dense(rows, theta(`tree.${level}.weight`), theta(`tree.${level}.bias`)));
    const parts = multiply(broadcast(reshape(raised, [t, below, 1, d]), shape), broadcast(shares, shape));
    vertices = reshape(sum(parts, [1]), [t, clusters, d]);
  });
  return reshape(vertices, [t, d]);
}
