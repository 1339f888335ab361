import type { ModelConfiguration } from './configuration.ts';
import {
  add,
  broadcast,
  concat,
  conv,
  divide,
  matmul,
  mean,
  multiply,
  relu,
  reshape,
  slice,
  subtract,
  sum,
  tanh,
} from './graph/operations.ts';
import type { Tensor } from './graph/primitives.ts';
import { dense } from './layers.ts';
import { gatedStep, projectInputs } from './recurrent.ts';
import type { Weights } from './cell.ts';

export interface TaskEmbedding {
  /** z_i (Eq. 6), [1, state]. */
  readonly embedding: Tensor;
  /** L_r (Eq. 5) divided by the number of support images, [1, 1]; asking for it adds the decoder to the graph. */
  readonly reconstruction: () => Tensor;
}

/**
 * F(x, y) (Eq. 4): the image's features beside the mean features of its class, so that the label enters without a
 * number of its own: renaming or permuting classes changes nothing. images [n, 3, s, s], targets [n, way] -> [n, f].
 */
function pairFeatures(images: Tensor, targets: Tensor, weights: Weights): Tensor {
  let x = add(multiply(images, 2), -1);
  for (let layer = 0; layer < 3; layer++)
    x = relu(conv(x, weights(`encoder.conv.${layer}`), { stride: 2, padding: 1 }));
  const n = images.shape[0]!;
  const flat = reshape(x, [n, x.shape.slice(1).reduce((a, b) => a * b, 1)]);
  const image = tanh(dense(flat, weights('encoder.image.weight'), weights('encoder.image.bias'))); // [n, f]
  const sums = matmul(targets, image, true, false); // [way, f]
  const counts = reshape(sum(targets, [0]), [targets.shape[1]!, 1]);
  const classes = matmul(targets, divide(sums, broadcast(counts, sums.shape))); // [n, f]
  return tanh(
    dense(concat([image, classes], 1), weights('encoder.pair.weight'), weights('encoder.pair.bias')),
  );
}

/** The recurrent auto-encoder (Eq. 4-6) over the support set in the given order. */
export function encodeTask(
  { encoder }: ModelConfiguration,
  images: Tensor,
  targets: Tensor,
  weights: Weights,
): TaskEmbedding {
  const n = images.shape[0]!;
  const pairs = pairFeatures(images, targets, weights); // [n, f]
  const inputs = projectInputs(pairs, weights, 'encoder.forward');
  const states: Tensor[] = [];
  let state = pairs.graph.constant([0], [1, encoder.state]);
  for (let j = 0; j < n; j++)
    states.push((state = gatedStep(slice(inputs, 0, j, 1), state, weights, 'encoder.forward')));
  const z = concat(states, 0); // [n, state]
  const reconstruction = (): Tensor => {
    const error = subtract(decodeStates(z, encoder.features, weights), pairs);
    return multiply(sum(multiply(error, error)), 1 / n);
  };
  return { embedding: mean(z, [0]), reconstruction };
}

/** d_i of Eq. 4 from the states [n, state], last one first: [n, f]. */
function decodeStates(states: Tensor, features: number, weights: Weights): Tensor {
  const outputs = projectInputs(states, weights, 'encoder.backward');
  const decoded: Tensor[] = [];
  let state = states.graph.constant([0], [1, features]);
  for (let j = states.shape[0]! - 1; j >= 0; j--)
    decoded.unshift((state = gatedStep(slice(outputs, 0, j, 1), state, weights, 'encoder.backward')));
  return concat(decoded, 0);
}
