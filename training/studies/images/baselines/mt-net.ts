import type { ModelConfiguration } from '../../../../model/configuration.ts';
import {
  add,
  broadcast,
  log,
  matmul,
  multiply,
  reshape,
  sigmoid,
  slice,
  step,
  stop,
  subtract,
} from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import type { Weights } from '../../../../model/graph/weights.ts';
import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import { weightSpecifications } from '../../../../model/network/weights.ts';
import { among, BaseLearner } from './base-learner.ts';
import type { ImageMethod } from './method.ts';

/** A layer whose outputs have a transformation behind them and a mask. */
interface MaskedLayer {
  readonly name: string;
  readonly outputs: number;
}

/**
 * MT-Net (Lee & Choi 2018): behind every convolution a meta-learned transformation T of its channels that the inner loop
 * leaves as it is, and a mask of channels, drawn for every task, that the inner loop updates: 0 or 1 by a relaxed
 * Bernoulli of temperature 1, whose derivative goes straight through. A linear head has both too, of its outputs; a shared
 * one has not, for its classes are alike.
 */
export function mtNet(model: ModelConfiguration): ImageMethod {
  const learner = new BaseLearner(model);
  const weights = weightSpecifications(model);
  const layers = maskedLayers(weights);
  return {
    noise: layers.reduce((total, { outputs }) => total + outputs, 0),
    parameters: [...weights, ...layers.flatMap(transformations)],
    predict: (task, theta, noise) => {
      const masks = drawMasks(layers, theta, noise());
      const used = (own: Weights): Weights => transformed(layers, own, theta);
      const direction = (name: string, gradient: Tensor): Tensor => {
        const [part, layer] = name.split('.');
        const mask = masks.get(part === 'head' ? 'head' : `conv.${layer}`);
        return mask ? multiply(gradient, maskOf(name, mask, gradient)) : gradient;
      };
      const start = learner.start(task, theta);
      const adapted = used(among(learner.adapt(task, start, { used, direction })));
      return {
        logits: (statistics) => learner.answers(task, adapted, statistics),
        objective: () => learner.queryLoss(task, adapted),
      };
    },
  };
}

function maskedLayers(weights: readonly ParameterSpecification[]): MaskedLayer[] {
  const convolutions = weights.filter(({ name }) => name.startsWith('conv.'));
  const outputs = weights.find(({ name }) => name === 'head.outputs');
  return [
    ...convolutions.map(({ name, shape }) => ({ name, outputs: shape[0]! })),
    ...(outputs ? [{ name: 'head', outputs: outputs.shape[0]! }] : []),
  ];
}

/** T, the identity at the start, and the logits ζ of a layer's mask. */
const transformations = ({ name, outputs }: MaskedLayer): ParameterSpecification[] => [
  { name: `${name}.change`, shape: [outputs, outputs], group: 'weights', deviation: 0, mean: 0 },
  { name: `${name}.mask`, shape: [1, outputs], group: 'weights', deviation: 0, mean: 0 },
];

/** Masks of zeros and ones by layer, [1, outputs], from uniform `noise` [1, all outputs]. */
function drawMasks(
  layers: readonly MaskedLayer[],
  theta: Weights,
  noise: Tensor,
): ReadonlyMap<string, Tensor> {
  const logistic = subtract(log(noise), log(subtract(1, noise)));
  let at = 0;
  return new Map(
    layers.map(({ name, outputs }): [string, Tensor] => {
      const logits = add(theta(`${name}.mask`), slice(logistic, 1, at, outputs));
      at += outputs;
      const relaxed = sigmoid(logits);
      return [name, add(relaxed, stop(subtract(step(logits), relaxed)))];
    }),
  );
}

/** The mask of a layer's outputs for one of its weights, whose first axis the outputs are; a head's bias is [1, way]. */
function maskOf(name: string, mask: Tensor, { shape }: Tensor): Tensor {
  const outputs = name === 'head.bias' ? shape[1]! : shape[0]!;
  const own = slice(mask, 1, 0, outputs);
  if (name === 'head.bias') return own;
  return broadcast(reshape(own, [outputs, ...shape.slice(1).map(() => 1)]), shape);
}

/** The weights with T behind every layer: T and the kernel before it are one kernel. */
const transformed =
  (layers: readonly MaskedLayer[], own: Weights, theta: Weights): Weights =>
  (name) => {
    const layer = name.startsWith('head.') ? 'head' : name;
    if (!layers.some((masked) => masked.name === layer)) return own(name);
    const value = own(name);
    const { shape } = value;
    const across = name === 'head.bias'; // [1, way]
    const outputs = across ? shape[1]! : shape[0]!;
    const change = theta(`${layer}.change`); // T - 1
    const part = slice(slice(change, 0, 0, outputs), 1, 0, outputs);
    const product = across
      ? matmul(value, part, false, true)
      : matmul(part, reshape(value, [outputs, sizeOf(shape) / outputs]));
    return add(value, reshape(product, shape));
  };
