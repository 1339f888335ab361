import { add, broadcast, multiply, relu, reshape, slice } from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { dense } from '../../../../model/layers/primitive-layers.ts';
import { denseSpecifications } from '../../../../model/layers/parameter-specification.ts';
import { encodeTasks, encoderSpecifications } from '../../../../model/regression/encoder.ts';
import type { RegressionMethod } from '../../../../model/regression/method.ts';
import type { RegressionTraining } from '../../../../model/regression/mnas.ts';
import { perTask } from '../../../../model/regression/tensors.ts';
import {
  adaptedPrediction,
  fullyConnectedSpecifications,
  layerNames,
  learnerSpecifications,
} from './fully-connected.ts';
import type { Activation, RatedLearner } from './fully-connected.ts';
import type { AutoEncoder } from '../../../../model/configuration.ts';
import type { ToyConfiguration } from '../configuration.ts';

/** Where a layer is modulated: before its ReLU, as in the public code, or behind it. */
export type ModulatedPlace = Extract<ToyConfiguration['method'], { kind: 'mumomaml' }>['modulated'];

/**
 * MUMOMAML (Vuorio et al. 2018, 2019): a task embedding modulates every hidden layer, FiLM with γ + 1 and β, and stays fixed
 * in the inner loop. Theirs is a bidirectional LSTM, ours the GRU of the other rows.
 */
export function mumomaml(
  learner: RatedLearner,
  encoder: AutoEncoder,
  modulated: ModulatedPlace,
  training: RegressionTraining,
): RegressionMethod {
  const weights = fullyConnectedSpecifications(learner);
  const hidden = layerNames(learner).slice(0, -1);
  const { width } = learner;
  return {
    parameters: [
      ...encoderSpecifications(encoder, false),
      ...denseSpecifications('modulator', 'modulator', encoder.state, 2 * width * hidden.length, 0.1),
      ...learnerSpecifications(learner),
    ],
    predict: (tasks, theta) => {
      const count = tasks.supportX.shape[0]!;
      const { embedding } = encodeTasks(encoder, tasks.supportX, tasks.supportY, theta);
      const factors = dense(embedding, theta('modulator.weight'), theta('modulator.bias'));
      const factor = (position: number): Tensor =>
        reshape(slice(factors, 1, position * width, width), [count, 1, width]);
      const film = (state: Tensor, layer: string): Tensor => {
        const position = 2 * hidden.indexOf(layer);
        const scaled = multiply(state, broadcast(add(factor(position), 1), state.shape));
        return add(scaled, broadcast(factor(position + 1), state.shape));
      };
      const start = Object.fromEntries(weights.map(({ name }) => [name, perTask(theta(name), count)]));
      const activate: Activation =
        modulated === 'linear'
          ? (linear, layer) => relu(film(linear, layer))
          : (linear, layer) => film(relu(linear), layer);
      return adaptedPrediction(learner, tasks, start, theta, training, activate);
    },
  };
}
