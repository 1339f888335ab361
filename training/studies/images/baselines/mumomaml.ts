import { encodeTask, encoderSpecifications } from '../../../../model/embedding/image-encoder.ts';
import type { ModelConfiguration } from '../../../../model/configuration.ts';
import { add, multiply, reshape, slice } from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import type { Weights } from '../../../../model/graph/weights.ts';
import { denseSpecifications } from '../../../../model/layers/parameter-specification.ts';
import { dense } from '../../../../model/layers/primitive-layers.ts';
import { weightSpecifications } from '../../../../model/network/weights.ts';
import { among, BaseLearner } from './base-learner.ts';
import type { ImageMethod } from './method.ts';

/**
 * MUMOMAML (Vuorio et al. 2018, 2019): a task embedding modulates what every normalisation gives, before the ReLU, by
 * FiLM with γ + 1 and β, and stays fixed in the inner loop. That is the same network with gain and bias of the
 * normalisation modulated. The encoder is the one of the other rows.
 */
export function mumomaml(model: ModelConfiguration): ImageMethod {
  const learner = new BaseLearner(model);
  const weights = weightSpecifications(model);
  const gains = weights.filter(({ name }) => name.startsWith('gain.'));
  const factors = 2 * gains.reduce((total, { shape }) => total + sizeOf(shape), 0);
  return {
    parameters: [
      ...encoderSpecifications(model, false),
      ...denseSpecifications('modulator', 'modulator', model.encoder.state, factors, 0.1),
      ...weights,
    ],
    predict: (task, theta) => {
      const { embedding } = encodeTask(model, task.support, task.targets, theta);
      const made = dense(embedding, theta('modulator.weight'), theta('modulator.bias'));
      let at = 0;
      const films = gains.map(({ name, shape }) => {
        const size = sizeOf(shape);
        const part = (offset: number): Tensor => reshape(slice(made, 1, at + offset, size), shape);
        const film = { gamma: add(part(0), 1), beta: part(size) };
        at += 2 * size;
        return [name.slice('gain.'.length), film] as const;
      });
      const filmOf = new Map(films);
      const used =
        (own: Weights): Weights =>
        (name) => {
          const [part, layer = ''] = name.split('.');
          const film = filmOf.get(layer);
          if (!film || (part !== 'gain' && part !== 'bias')) return own(name);
          const scaled = multiply(own(name), film.gamma);
          return part === 'gain' ? scaled : add(scaled, film.beta);
        };
      const adapted = used(among(learner.adapt(task, learner.start(task, theta), { used })));
      return {
        embedding,
        logits: (statistics) => learner.answers(task, adapted, statistics),
        objective: () => learner.queryLoss(task, adapted),
      };
    },
  };
}
