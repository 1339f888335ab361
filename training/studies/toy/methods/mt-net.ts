import {
  add,
  broadcast,
  log,
  multiply,
  relu,
  reshape,
  sigmoid,
  slice,
  subtract,
  matmul,
} from '../../../../model/graph/operations.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import type { Weights } from '../../../../model/graph/weights.ts';
import type { ParameterSpecification } from '../../../../model/layers/parameter-specification.ts';
import { gradient } from '../../../../model/graph/gradient.ts';
import { lookup } from '../../../../model/regression/inner-loop.ts';
import type { TaskWeights } from '../../../../model/regression/inner-loop.ts';
import type { RegressionMethod } from '../../../../model/regression/method.ts';
import { perTask, summedError, taskDense } from '../../../../model/regression/tensors.ts';
import { fullyConnectedSpecifications, layerNames } from './fully-connected.ts';
import type { FullyConnected } from './fully-connected.ts';

/**
 * MT-Net (Lee & Choi 2018): behind every linear layer a meta-learned transformation T that the inner loop leaves as
 * it is, and a mask of units, drawn for every task by a relaxed Bernoulli (temperature 1), that the inner loop updates.
 */
export function mtNet(learner: FullyConnected): RegressionMethod {
  const weights = fullyConnectedSpecifications(learner);
  const names = layerNames(learner);
  const outputs = names.map((_, i) => (i === names.length - 1 ? 1 : learner.width));
  const units = outputs.reduce((total, width) => total + width, 0);
  return {
    noise: units,
    parameters: [...weights, ...names.flatMap((name, i) => transformations(name, outputs[i]!))],
    predict: ({ supportX, supportY, queryX, queryY }, theta, extra) => {
      const tasks = supportX.shape[0]!;
      const masks = drawMasks(names, outputs, theta, extra('noise', [tasks, units]));
      let current: TaskWeights = Object.fromEntries(
        weights.map(({ name }) => [name, perTask(theta(name), tasks)]),
      );
      for (let step = 0; step < learner.steps; step++) {
        const before = current;
        const keys = Object.keys(before);
        const loss = summedError(transformed(names, supportX, lookup(before), theta), supportY);
        const gradients = gradient(
          loss,
          keys.map((key) => before[key]!),
        );
        current = Object.fromEntries(
          keys.map((key, i) => {
            const mask = masks.get(key.slice(0, key.lastIndexOf('.')))!;
            const direction = multiply(gradients[i]!, broadcast(mask, before[key]!.shape));
            return [key, subtract(before[key]!, multiply(direction, learner.learningRate))];
          }),
        );
      }
      const predictions = transformed(names, queryX, lookup(current), theta);
      return { predictions, objective: summedError(predictions, queryY) };
    },
  };
}

/** T, the identity at the start, and the logits ζ of a layer's mask. */
function transformations(name: string, width: number): ParameterSpecification[] {
  return [
    { name: `${name}.change`, shape: [width, width], group: 'weights', deviation: 0, mean: 0 },
    { name: `${name}.mask`, shape: [1, width], group: 'weights', deviation: 0, mean: 0 },
  ];
}

/** Masks in (0, 1) by layer, [t, 1, width]: σ(ζ + logistic noise), from uniform `noise` [t, units]. */
function drawMasks(
  names: readonly string[],
  outputs: readonly number[],
  theta: Weights,
  noise: Tensor,
): ReadonlyMap<string, Tensor> {
  const logistic = subtract(log(noise), log(subtract(1, noise)));
  const tasks = noise.shape[0]!;
  let start = 0;
  return new Map(
    names.map((name, i): [string, Tensor] => {
      const part = slice(logistic, 1, start, outputs[i]!);
      start += outputs[i]!;
      const mask = sigmoid(add(part, broadcast(theta(`${name}.mask`), part.shape)));
      return [name, reshape(mask, [tasks, 1, outputs[i]!])];
    }),
  );
}

/** The network with T behind every layer: x [t, n, 1] -> [t, n, 1]. */
function transformed(names: readonly string[], x: Tensor, weights: Weights, theta: Weights): Tensor {
  return names.reduce((state, name, i) => {
    const linear = taskDense(state, weights(`${name}.weight`), weights(`${name}.bias`));
    const change = theta(`${name}.change`); // T - 1
    const width = change.shape[0]!;
    const rows = reshape(linear, [linear.shape[0]! * linear.shape[1]!, width]);
    const result = add(linear, reshape(matmul(rows, change), linear.shape));
    return i === names.length - 1 ? result : relu(result);
  }, x);
}
