import type { Weights } from '../graph/weights.ts';
import {
  edgeCount,
  edgeIndex,
  firstEdgeOf,
  highest,
  sourcesOf,
  strongestEdges,
  targetsOf,
} from '../search-space/genotype.ts';
import { add, broadcast, multiply, relu, reshape, slice } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import type { RegressionConfiguration } from './configuration.ts';
import { affineSpecifications } from './normalization.ts';
import type { RowNormalizer } from './normalization.ts';
import { taskDense } from './tensors.ts';

/** Candidate operations of an edge (paper, "Toy Regression"). */
export const regressionOperations = ['none', 'skip_connect', 'linear'] as const;
export type RegressionOperation = (typeof regressionOperations)[number];

function weight(name: string, inputs: number, outputs: number): ParameterSpecification[] {
  const common = { group: 'weights', modulation: [1] } as const;
  return [
    { ...common, name: `${name}.weight`, shape: [inputs, outputs], deviation: (2 / inputs) ** 0.5, mean: 0 },
    { ...common, name: `${name}.bias`, shape: [1, outputs], deviation: 0, mean: 0 },
  ];
}

/**
 * The meta-weights of the cell network; the linear operations out of one source lie side by side. Where these are
 * normalised, each has the affine part of its normalisation.
 */
export function cellSpecifications({
  cell,
  normalization,
}: RegressionConfiguration): ParameterSpecification[] {
  const { width, nodes } = cell;
  const linear = (name: string, inputs: number, outputs: number): ParameterSpecification[] => [
    ...weight(name, inputs, outputs),
    ...(normalization === 'none' ? [] : affineSpecifications(name, outputs)),
  ];
  return [
    ...linear('stem', 1, width),
    ...sourcesOf(nodes).flatMap((source) =>
      linear(`edges.${source}`, width, width * targetsOf(source, nodes).length),
    ),
    ...weight('head', width, 1),
  ];
}

/**
 * The one-cell network: x [t, n, 1] -> y [t, n, 1]. `weights` gives each task's own, [t, ...]; `alpha` has the
 * architecture weights [t, edges, 3], edges source-major. Both inputs of the cell are the stem's output; the cell's
 * output is the mean of its intermediate nodes.
 */
export function cellNetwork(
  { cell: { width, nodes } }: RegressionConfiguration,
  x: Tensor,
  weights: Weights,
  alpha: Tensor,
  normalizer: RowNormalizer,
): Tensor {
  const [t, n] = x.shape as [number, number];
  const linear = (input: Tensor, name: string): Tensor =>
    normalizer(relu(taskDense(input, weights(`${name}.weight`), weights(`${name}.bias`))), name, weights);
  const stem = linear(x, 'stem');
  const states = [stem, stem];
  const sums: (Tensor | undefined)[] = Array.from({ length: nodes });
  for (const source of sourcesOf(nodes)) {
    const state = states[source]!;
    const edges = targetsOf(source, nodes);
    const mix = slice(alpha, 1, firstEdgeOf(source, nodes), edges.length); // [t, e, 3]
    const of = (operation: RegressionOperation): Tensor =>
      reshape(slice(mix, 2, regressionOperations.indexOf(operation), 1), [t, 1, edges.length, 1]);
    const shape = [t, n, edges.length, width];
    const transformed = reshape(linear(state, `edges.${source}`), shape);
    const mixed = add(
      multiply(transformed, broadcast(of('linear'), shape)),
      multiply(broadcast(reshape(state, [t, n, 1, width]), shape), broadcast(of('skip_connect'), shape)),
    );
    edges.forEach((target, e) => {
      const part = reshape(slice(mixed, 2, e, 1), [t, n, width]);
      sums[target] = sums[target] ? add(sums[target], part) : part;
    });
    if (source > 0 && source <= nodes) states.push(sums[source - 1]!);
  }
  const outputs = states.slice(2);
  const output = multiply(
    outputs.reduce((total, state) => add(total, state)),
    1 / nodes,
  );
  return taskDense(output, weights('head.weight'), weights('head.bias'));
}

/** Rows of `alpha`. */
export const regressionEdges = ({ cell }: RegressionConfiguration): number => edgeCount(cell.nodes);

/** An edge of a decoded cell: node `input` (0 and 1 are the cell's inputs) goes through `operation`. */
export interface RegressionEdge {
  readonly operation: Exclude<RegressionOperation, 'none'>;
  readonly input: number;
}

/** The two incoming edges of every intermediate node. */
export type RegressionGenotype = readonly (readonly RegressionEdge[])[];

/** DARTS's decoding of architecture weights [edges, 3]. */
export const decodeRegression = (alpha: Float32Array, nodes: number): RegressionGenotype =>
  strongestEdges(alpha, regressionOperations, nodes);

/** The one-hot architecture weights [edges, 3] of a genotype; an edge that is not chosen is zero as a whole. */
export function oneHotRegression(genotype: RegressionGenotype): Float32Array {
  const nodes = genotype.length;
  const alpha = new Float32Array(edgeCount(nodes) * regressionOperations.length);
  genotype.forEach((edges, target) => {
    for (const { input, operation } of edges)
      alpha[
        edgeIndex(input, target, nodes) * regressionOperations.length +
          regressionOperations.indexOf(operation)
      ] = 1;
  });
  return alpha;
}

/**
 * The genotype of `choices` that architecture weights [edges, 3] favour most, by the largest sum of the chosen
 * operations' weights; the decoded one where there is no choice.
 */
export function chooseRegression(
  alpha: Float32Array,
  choices: readonly RegressionGenotype[],
  nodes: number,
): RegressionGenotype {
  const score = (genotype: RegressionGenotype): number =>
    oneHotRegression(genotype).reduce((total, chosen, i) => total + chosen * alpha[i]!, 0);
  return highest(choices, score) ?? decodeRegression(alpha, nodes);
}

/** A short text that is equal for equal genotypes. */
export const regressionKey = (genotype: RegressionGenotype): string =>
  genotype.map((edges) => edges.map(({ input, operation }) => `${input}${operation[0]!}`).join('')).join('.');

/** The genotype of a key. Throws RangeError when it is none. */
export function parseRegressionKey(key: string): RegressionGenotype {
  const operationOf = (letter: string): RegressionEdge['operation'] => {
    const [, ...operations] = regressionOperations;
    const found = operations.find((operation) => operation.startsWith(letter));
    if (!found) throw new RangeError(`${JSON.stringify(key)} has an unknown operation`);
    return found;
  };
  return key.split('.').map((node) => {
    const edges = [...node.matchAll(/(\d+)([a-z])/g)];
    if (edges.length === 0) throw new RangeError(`${JSON.stringify(key)} has a node without edges`);
    return edges.map(([, input, letter]) => ({
      input: Number(input),
      operation: operationOf(letter!),
    }));
  });
}
