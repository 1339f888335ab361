import type { Weights } from '../graph/weights.ts';
import type { ModelConfiguration } from '../configuration.ts';
import {
  architecture,
  architectureEntropy,
  architectureInputs,
  controllerSpecifications,
} from './architecture.ts';
import { conditionsOf, conditionSpecifications } from './conditions.ts';
import { imagesShape } from '../search-space/tap-planes.ts';
import { encodeTask } from '../embedding/image-encoder.ts';
import { cellNames, edgeCount, operationNames } from '../search-space/genotype.ts';
import { vectorJacobian } from '../graph/gradient.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphFunction } from '../graph/graph.ts';
import { multiply } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { weightSpecifications } from '../network/weights.ts';
import { inputWeights, seedsOf } from '../graph/variables.ts';
import type { Variable } from '../graph/variables.ts';
import { modulate, modulatorSpecifications } from './modulator.ts';
import { taskSpecifications } from './task-specifications.ts';
import type { TaskSize } from '../task/labelled-set.ts';

/** What the graphs here read of Θ: all that makes a task's network, and the meta-weights; what is fitted is not among it. */
const readParameters = (configuration: ModelConfiguration): ParameterSpecification[] => [
  ...taskSpecifications(configuration),
  ...weightSpecifications(configuration),
];

/** Task embedding, architecture and modulated meta-weights of a support set, all in one graph. */
export function embeddingGraph(
  configuration: ModelConfiguration,
  { way, support }: TaskSize,
  masked: boolean,
): EmbeddingGraph {
  const graph = new Graph();
  const weights = inputWeights(graph, readParameters(configuration));
  const targets = graph.input('support.targets', [support, way]);
  const images = graph.input('support.images', imagesShape(configuration, support));
  const { embedding, reconstruction } = encodeTask(configuration, images, targets, weights);
  const rows = cellNames.length * edgeCount(configuration.supernet.nodes);
  const mask = masked ? graph.input('path.mask', [rows, operationNames.length]) : null;
  const alphaTemperature = graph.input('alpha.temperature', [1, 1]);
  const relaxed = architecture(configuration, embedding, { mask, alphaTemperature }, weights);
  const { alpha, slots } = relaxed;
  const modulated = {
    ...modulate(configuration, embedding, weights),
    ...conditionsOf(configuration, embedding, { way, support }, weights),
  };
  return {
    embedding,
    reconstruction,
    alpha,
    entropy: () => architectureEntropy(relaxed),
    modulated,
    mixes: { ...architectureInputs(configuration, alpha), ...slots },
    weights,
  };
}

export interface EmbeddingGraph {
  readonly embedding: Tensor;
  readonly reconstruction: () => Tensor;
  readonly alpha: Tensor;
  /** How undecided α is, 0 to 1 (`architectureEntropy`). */
  readonly entropy: () => Tensor;
  readonly modulated: Readonly<Record<string, Tensor>>;
  readonly mixes: Readonly<Record<string, Tensor>>;
  readonly weights: Weights;
}

/** Stages (a) and (b) alone: no decoder, whose length would double the graph. */
export function embeddingFunction(
  configuration: ModelConfiguration,
  size: TaskSize,
  masked: boolean,
): GraphFunction {
  const { embedding, alpha, modulated, mixes } = embeddingGraph(configuration, size, masked);
  return { name: 'embedding', outputs: { embedding, alpha, ...mixes, ...modulated } };
}

/**
 * Gradients of Θ, given cotangents of the modulated weights and (with `searching`) of the architecture, plus β times
 * the reconstruction loss, which is returned too, as `reconstruction`, and, with `deciding`, plus `entropy.weight` [1]
 * times the architecture's entropy.
 */
export function embeddingPullback(
  configuration: ModelConfiguration,
  size: TaskSize,
  options: {
    readonly masked: boolean;
    readonly searching: boolean;
    readonly deciding: boolean;
    readonly reconstructionWeight: number;
  },
): GraphFunction {
  const embedded = embeddingGraph(configuration, size, options.masked);
  const { modulated, mixes, weights } = embedded;
  const reconstruction = embedded.reconstruction();
  const seeds = seedsOf({ ...modulated, ...(options.searching ? mixes : {}) });
  const beta = multiply(
    reconstruction.graph.constant([1], reconstruction.shape),
    options.reconstructionWeight,
  );
  const entropy = options.deciding ? embedded.entropy() : null;
  const wrt = pulledParameters(configuration, options.searching);
  const results = vectorJacobian(
    [
      ...seeds,
      { output: reconstruction, cotangent: beta },
      ...(entropy
        ? [{ output: entropy, cotangent: entropy.graph.input('entropy.weight', entropy.shape) }]
        : []),
    ],
    wrt.map(({ name }) => weights(name)),
  );
  return {
    name: 'embedding-pullback',
    outputs: { reconstruction, ...Object.fromEntries(wrt.map(({ name }, i) => [name, results[i]!])) },
  };
}

/** Gradients of the modulator, the conditions and the meta-weights, given z_i, which stays as it is, and cotangents of w̃_i. */
export function modulationPullback(configuration: ModelConfiguration, size: TaskSize): GraphFunction {
  const graph = new Graph();
  const weights = inputWeights(graph, readParameters(configuration));
  const embedding = graph.input('embedding', [1, configuration.encoder.state]);
  const modulated = {
    ...modulate(configuration, embedding, weights),
    ...conditionsOf(configuration, embedding, size, weights),
  };
  const wrt = [
    ...modulatorSpecifications(configuration),
    ...conditionSpecifications(configuration),
    ...weightSpecifications(configuration),
  ];
  const results = vectorJacobian(
    seedsOf(modulated),
    wrt.map(({ name }) => weights(name)),
  );
  return {
    name: 'modulation-pullback',
    outputs: Object.fromEntries(wrt.map(({ name }, i) => [name, results[i]!])),
  };
}

/** Gradients of the controller alone, given z_i, which stays as it is, and cotangents of the architecture. */
export function architecturePullback(configuration: ModelConfiguration): GraphFunction {
  const graph = new Graph();
  const weights = inputWeights(graph, readParameters(configuration));
  const embedding = graph.input('embedding', [1, configuration.encoder.state]);
  const alphaTemperature = graph.constant([1], [1, 1]);
  const { alpha, slots } = architecture(configuration, embedding, { mask: null, alphaTemperature }, weights);
  const wrt = controllerSpecifications(configuration);
  const results = vectorJacobian(
    seedsOf({ ...architectureInputs(configuration, alpha), ...slots }),
    wrt.map(({ name }) => weights(name)),
  );
  return {
    name: 'architecture-pullback',
    outputs: Object.fromEntries(wrt.map(({ name }, i) => [name, results[i]!])),
  };
}

/** The parameters that `embeddingPullback` returns gradients of; the controller's with `searching` alone. */
export const pulledParameters = (configuration: ModelConfiguration, searching: boolean): Variable[] =>
  readParameters(configuration)
    .filter(({ group }) => searching || group !== 'controller')
    .map(({ name, shape }) => ({ name, shape }));
