import type { GraphBuilder, Tensor } from '../graph/primitives.ts';
import { matmul, add, broadcast, sum, multiply, divide, reshape, slice } from '../graph/operations.ts';
import type { Variable } from '../graph/variables.ts';
import type { Weights } from '../graph/weights.ts';
import type { ModelConfiguration } from '../configuration.ts';

/** Logits [n, way] of features [n, f] by a linear head. */
export function headLogits(x: Tensor, { weight, bias }: Head): Tensor {
  const logits = matmul(x, weight, false, true);
  return add(logits, broadcast(bias, logits.shape));
}

/** A linear head: W [way, f], b [1, way]. */
export interface Head {
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** The head among the weights that a task adapts. */
export const headOf = (weights: Weights): Head => ({
  weight: weights('head.weight'),
  bias: weights('head.bias'),
});

/** The tensors of a head of `way` classes that reads `features` features, as variables that a task adapts. */
export const headVariables = (way: number, features: number): Variable[] => [
  { name: 'head.weight', shape: [way, features] },
  { name: 'head.bias', shape: [1, way] },
];

/** The tensors of a head by the names of `headVariables`. */
export const headTensors = ({ weight, bias }: Head): Readonly<Record<string, Tensor>> => ({
  'head.weight': weight,
  'head.bias': bias,
});

/**
 * The head before adaptation. `prototype`: distance to the class mean μ, as the linear head W = 2sμ, b = -s‖μ‖²
 * (Snell et al. 2017; Triantafillou et al. 2020); `shared`: one vector for every class. Neither depends on the class
 * order or count (docs/adr/0003-head.md). `linear`: an output of its own for every class, by the order of the classes.
 * @throws RangeError when a task has more classes than a linear head has outputs
 */
export function initialHead(
  graph: GraphBuilder,
  kind: ModelConfiguration['head']['kind'],
  weights: Weights,
  given: { readonly features: () => Tensor; readonly targets: Tensor; readonly scale: () => Tensor },
): Head {
  const way = given.targets.shape[1]!;
  if (kind === 'shared') {
    const vector = weights('head.vector');
    const bias = graph.constant(new Float64Array(way), [1, way]); // a variable: not a fill, which additions drop
    return { weight: broadcast(vector, [way, vector.shape[1]!]), bias };
  }
  if (kind === 'linear') {
    const [outputs, offsets] = [weights('head.outputs'), weights('head.offsets')];
    const most = outputs.shape[0]!;
    if (way > most) throw new RangeError(`a linear head of ${most} outputs has no tasks of ${way} classes`);
    return { weight: slice(outputs, 0, 0, way), bias: slice(offsets, 1, 0, way) };
  }
  const x = given.features();
  const counts = sum(given.targets, [0]); // [1, way]
  const shares = multiply(given.targets, broadcast(divide(1, counts), given.targets.shape));
  const means = matmul(shares, x, true, false); // [way, f]
  const scaled = multiply(means, broadcast(given.scale(), means.shape));
  return {
    weight: multiply(scaled, 2),
    bias: reshape(multiply(sum(multiply(scaled, means), [1]), -1), [1, way]),
  };
}
