import { add, multiply, sigmoid, slice, subtract, tanh } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { dense } from './primitive-layers.ts';
import type { Weights } from '../graph/weights.ts';

/** The part of a GRU's gates that depends on its inputs: x [n, f] -> [n, 3d], for all steps at once. */
export const projectInputs = (x: Tensor, weights: Weights, layer: string): Tensor =>
  dense(x, weights(`${layer}.input.weight`), weights(`${layer}.input.bias`));

/**
 * One step of a gated recurrent unit (Cho et al. 2014; the reset gate acts after the product, as in cuDNN).
 * `projected` is the inputs' part of the gates [n, 3d], `state` is [n, d]; rows are independent sequences.
 */
export function gatedStep(projected: Tensor, state: Tensor, weights: Weights, layer: string): Tensor {
  const d = state.shape[1]!;
  const recurrent = dense(state, weights(`${layer}.state.weight`), weights(`${layer}.state.bias`));
  const gates = sigmoid(add(slice(projected, 1, 0, 2 * d), slice(recurrent, 1, 0, 2 * d)));
  const candidate = tanh(
    add(slice(projected, 1, 2 * d, d), multiply(slice(gates, 1, 0, d), slice(recurrent, 1, 2 * d, d))),
  );
  return add(candidate, multiply(slice(gates, 1, d, d), subtract(state, candidate)));
}
