import type { ModelConfiguration } from '../configuration.ts';
import { add, concat, exp, multiply, reshape, sigmoid, tanh } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { Variable } from '../graph/variables.ts';
import type { Weights } from '../graph/weights.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { dense } from '../layers/primitive-layers.ts';
import { sourceNames } from '../search-space/taps.ts';
import type { TaskSize } from '../task/labelled-set.ts';
import { rateColumns } from '../network/weights.ts';

/** A setting of a task on a trunk: its shape, what the layer that makes it starts from, and what becomes of its output. */
interface Condition extends Variable {
  /** The layer's initial output. */
  readonly start: number;
  readonly of: (output: Tensor) => Tensor;
}

const same = (x: Tensor): Tensor => x;

/**
 * Logarithms of the shares: near what the configuration starts from, however far z is from the tasks of the training. On
 * kinds of images that it knows, the cells look better than elsewhere: without a bound their share follows z to all or none.
 */
function shareLogarithms(configuration: ModelConfiguration): (output: Tensor) => Tensor {
  const { shares } = configuration.trunk!;
  if (!shares) return same;
  const start = sourceNames(configuration).map((source) => Math.log(shares.start[source] ?? 1));
  return (output) =>
    add(multiply(tanh(output), shares.bound), output.graph.constant(start, [1, start.length]));
}

/**
 * The settings that the controller makes of a task, from z_i and the logarithms of its shots and ways: the shares of the
 * sources of features (within a bound), the head's λ and scale, how much the task's own statistics count beside the learned ones (in the
 * cells and in the sources' means; TaskNorm, arXiv 2003.03284), and the logarithm of a factor of ρ for every inner step and
 * tensor (ALFA, arXiv 2011.00209).
 */
export function taskConditions(configuration: ModelConfiguration): Condition[] {
  if (!configuration.trunk) return [];
  const { steps, rates } = configuration.innerLoop;
  const one = [1, 1];
  return [
    { name: 'shares', shape: [1, sourceNames(configuration).length], start: 0, of: shareLogarithms(configuration) },
    { name: 'head.lambda', shape: one, start: 0, of: exp },
    { name: 'head.scale', shape: one, start: Math.log(12), of: exp },
    { name: 'statistics.share', shape: one, start: -1, of: sigmoid },
    { name: 'statistics.center-share', shape: one, start: 3, of: sigmoid },
    ...(rates === 'learned' && steps > 0
      ? [{ name: 'inner.rates', shape: [steps, rateColumns(configuration).length], start: 0, of: same }]
      : []),
  ];
}

const layerName = (name: string): string => `conditions.${name}`;
const outputsOf = ({ shape }: Variable): number => shape.reduce((product, n) => product * n, 1);

/** The layers that make the conditions; at first the same for all tasks. */
export const conditionSpecifications = (configuration: ModelConfiguration): ParameterSpecification[] =>
  taskConditions(configuration).flatMap((condition): ParameterSpecification[] => {
    const outputs = outputsOf(condition);
    const layer = { group: 'conditions', deviation: 0 } as const;
    const name = layerName(condition.name);
    return [
      { ...layer, name: `${name}.weight`, shape: [configuration.encoder.state + 2, outputs], mean: 0 },
      { ...layer, name: `${name}.bias`, shape: [1, outputs], mean: condition.start },
    ];
  });

/** The conditions of a task by name, from its embedding [1, state]; none without a trunk. */
export function conditionsOf(
  configuration: ModelConfiguration,
  embedding: Tensor,
  { way, support }: TaskSize,
  weights: Weights,
): Record<string, Tensor> {
  const size = embedding.graph.constant([Math.log(support / way), Math.log(way)], [1, 2]);
  const seen = concat([embedding, size], 1);
  return Object.fromEntries(
    taskConditions(configuration).map(({ name, shape, of }) => {
      const layer = layerName(name);
      const output = dense(seen, weights(`${layer}.weight`), weights(`${layer}.bias`));
      return [name, reshape(of(output), shape)];
    }),
  );
}
