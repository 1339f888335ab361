import { childBody } from '../network/child.ts';
import type { ModelConfiguration } from '../configuration.ts';
import { genotypeKey } from '../search-space/genotype.ts';
import { gradient, innerProduct, vectorJacobian } from '../graph/gradient.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphFunction } from '../graph/graph.ts';
import { crossEntropy, multiply, negate, slice, subtract } from '../graph/operations.ts';
import type { GraphBuilder, Tensor } from '../graph/primitives.ts';
import type { Normalizer } from '../layers/normalizer.ts';
import { mixVariables } from '../search-space/mix-names.ts';
import type { Weights } from '../graph/weights.ts';
import { features } from '../network/features.ts';
import type { NetworkKind } from '../network/features.ts';
import { learnedRate, rateVariables, stepRates } from './rates.ts';
import type { Rate } from './rates.ts';
import { inputWeights, seedsOf } from '../graph/variables.ts';
import type { Variable } from '../graph/variables.ts';
import { headLogits, headOf, headTensors, headVariables, initialHead } from '../head/linear-head.ts';
import type { Head } from '../head/linear-head.ts';
import { bodySpecifications, featureCount, rateColumns, headSpecifications } from '../network/weights.ts';
import type { TaskSize } from '../task/labelled-set.ts';

/** The graphs of one configuration and network; each is built when asked for (docs/architecture.md, "A task"). */
export class TaskGraphs {
  readonly configuration: ModelConfiguration;
  readonly network: NetworkKind;
  /** What the inner loop adapts of the network. */
  readonly body: readonly Variable[];
  /** Names of the architecture inputs (supernet only). */
  readonly mixes: readonly Variable[];
  /** The learned inner rates; none where ρ is fixed. */
  readonly rates: readonly Variable[];
  /** Where the rate of an adapted tensor stands; parts of one tensor share its rate. */
  readonly #rateColumns: Map<string, number>;

  constructor(configuration: ModelConfiguration, network: NetworkKind) {
    this.configuration = configuration;
    this.network = network;
    const body: readonly (Variable & { readonly from?: string })[] =
      network.kind === 'child'
        ? childBody(configuration, network.genotype)
        : bodySpecifications(configuration);
    const columns = rateColumns(configuration);
    this.#rateColumns = new Map(columns.map((name, i) => [name, i]));
    for (const { name, from } of body) if (from) this.#rateColumns.set(name, columns.indexOf(from));
    this.rates = rateVariables(configuration, columns);
    this.body = body.map(({ name, shape }) => ({ name, shape }));
    this.mixes = network.kind === 'supernet' ? mixVariables(configuration) : [];
  }

  /** Distinguishes compiled graphs of different networks of one configuration. */
  get key(): string {
    return this.network.kind === 'child' ? genotypeKey(this.network.genotype) : this.network.kind;
  }

  /** What the inner loop adapts: the network's weights, then the head of `way` classes. */
  adapted(way: number): Variable[] {
    return [...this.body, ...headVariables(way, featureCount(this.configuration))];
  }

  /** What the inner loop starts from that is modulated: the body, and the meta-weights of the head. */
  get modulated(): Variable[] {
    return [...this.body, ...this.#headWeights];
  }

  /** What it starts from beside: the scale of a head of class means, and the learned rates. */
  get unmodulated(): Variable[] {
    return [...this.#scale, ...this.rates];
  }

  /** What the head needs before adaptation: the network's features of the support set and its labels. */
  head({ way, support }: TaskSize): HeadGraph {
    const graph = new Graph();
    const weights = inputWeights(graph, [...this.adapted(way), ...this.mixes, ...this.headParameters]);
    const features = (): Tensor =>
      this.features(this.images(graph, 'support', support), weights, support).features;
    const head = this.initialHead(graph, features, graph.input('support.targets', [support, way]), weights);
    return { outputs: headTensors(head), weights };
  }

  /** Cotangents of the head's initial weights, pulled back to the network, the architecture and the head's scale. */
  headPullback(size: TaskSize): GraphFunction {
    const { outputs, weights } = this.head(size);
    const wrt = [...this.body, ...this.mixes, ...this.headParameters];
    const results = vectorJacobian(
      seedsOf(outputs),
      wrt.map(({ name }) => weights(name)),
    );
    return {
      name: 'head-pullback',
      outputs: Object.fromEntries(wrt.map(({ name }, i) => [name, results[i]!])),
    };
  }

  /** Parameters of the head that exist before adaptation. */
  get headParameters(): Variable[] {
    return [...this.#scale, ...this.#headWeights];
  }

  get #scale(): Variable[] {
    return this.configuration.head.kind === 'prototype' ? [{ name: 'head.scale', shape: [1, 1] }] : [];
  }

  get #headWeights(): Variable[] {
    return headSpecifications(this.configuration).map(({ name, shape }) => ({ name, shape }));
  }

  /** ρ of one inner step, from the rates of that step where they are learned. */
  rate(row: () => Tensor): Rate {
    const { learningRate } = this.configuration.innerLoop;
    if (this.rates.length === 0) return () => learningRate;
    return learnedRate(learningRate, row(), (name) => this.#rateColumns.get(name)!);
  }

  /** The rates of the step that a graph of one step takes. */
  get #stepRates(): Variable[] {
    return this.rates.map(({ shape }) => ({ name: stepRates, shape: [1, shape[1]!] }));
  }

  /** Loss of the support set, normalised by its own statistics: what Eq. 8 descends. */
  #supportLoss(graph: Graph, { way, support }: TaskSize): { loss: Tensor; logits: Tensor; weights: Weights } {
    const weights = inputWeights(graph, [...this.adapted(way), ...this.mixes, ...this.#stepRates]);
    const { logits } = this.logits(this.images(graph, 'support', support), weights, support);
    const loss = crossEntropy(logits, graph.input('support.targets', [support, way]));
    return { loss, logits, weights };
  }

  /** One inner step of Eq. 8: every weight after w - ρ ∇L(w), with the loss and logits before it. */
  step(size: TaskSize): GraphFunction {
    const { loss, logits, weights } = this.#supportLoss(new Graph(), size);
    const adapted = this.adapted(size.way);
    const gradients = gradient(
      loss,
      adapted.map(({ name }) => weights(name)),
    );
    const rate = this.rate(() => weights(stepRates));
    const next = adapted.map(({ name }, i) => {
      const direction = gradients[i]!;
      return [name, subtract(weights(name), multiply(direction, rate(name, direction)))] as const;
    });
    return { name: 'inner-step', outputs: { ...Object.fromEntries(next), loss, logits } };
  }

  /**
   * Reverse of one inner step: v <- v - H (ρ v) for the weights, -∂⟨∇L(w), ρ v⟩/∂α for the architecture, and the same
   * for the step's learned rates, which ρ is a function of.
   * Exact second order, one step at a time (docs/adr/0001-engine.md).
   */
  stepPullback(size: TaskSize): GraphFunction {
    const graph = new Graph();
    const { loss, weights } = this.#supportLoss(graph, size);
    const adapted = this.adapted(size.way);
    const variables = adapted.map(({ name }) => weights(name));
    const v = adapted.map(({ name, shape }) => graph.input(`cotangent.${name}`, shape));
    const rate = this.rate(() => weights(stepRates));
    const scaled = adapted.map(({ name }, i) => multiply(v[i]!, rate(name, v[i]!)));
    const directional = innerProduct(gradient(loss, variables), scaled);
    const others = [...this.mixes, ...this.#stepRates];
    const second = gradient(directional, [...variables, ...others.map(({ name }) => weights(name))]);
    const back = adapted.map(({ name }, i) => [name, subtract(v[i]!, second[i]!)] as const);
    const toOthers = others.map(({ name }, i) => [name, negate(second[adapted.length + i]!)] as const);
    return { name: 'inner-step-pullback', outputs: Object.fromEntries([...back, ...toOthers]) };
  }

  /** Logits of the query set; in served mode normalised by the statistics of the support set, which runs along. */
  #queryLogits(
    graph: Graph,
    { way, support }: TaskSize,
    query: number,
    statistics: 'support' | 'batch',
  ): { logits: Tensor; weights: Weights } {
    const weights = inputWeights(graph, [...this.adapted(way), ...this.mixes]);
    const joined = statistics === 'support';
    const images = joined ? support + query : query;
    const x = this.images(graph, joined ? 'both' : 'query', images);
    const { logits } = this.logits(x, weights, joined ? support : query);
    return { logits: joined ? slice(logits, 0, support, query) : logits, weights };
  }

  query(size: TaskSize, query: number, statistics: 'support' | 'batch'): GraphFunction {
    const { logits } = this.#queryLogits(new Graph(), size, query, statistics);
    return { name: `query-${statistics}`, outputs: { logits } };
  }

  /** The outer loss on the query set (Eq. 9) with its gradients for weights and architecture. */
  queryGradient(size: TaskSize, query: number, statistics: 'support' | 'batch'): GraphFunction {
    const graph = new Graph();
    const { logits, weights } = this.#queryLogits(graph, size, query, statistics);
    const loss = crossEntropy(logits, graph.input('query.targets', [query, size.way]));
    const wrt = [...this.adapted(size.way), ...this.mixes];
    const gradients = gradient(
      loss,
      wrt.map(({ name }) => weights(name)),
    );
    return {
      name: 'query-gradient',
      outputs: { loss, logits, ...Object.fromEntries(wrt.map(({ name }, i) => [name, gradients[i]!])) },
    };
  }

  images(graph: Graph, set: 'support' | 'query' | 'both', images: number): Tensor {
    const { size } = this.configuration.image;
    return graph.input(`${set}.images`, [images, 3, size, size]);
  }

  /** The head before adaptation, by the `features` of the support set where its kind needs them. */
  initialHead(graph: GraphBuilder, features: () => Tensor, targets: Tensor, weights: Weights): Head {
    return initialHead(graph, this.configuration.head.kind, weights, {
      features,
      targets,
      scale: () => weights('head.scale'),
    });
  }

  /** Features [n, f] of images, normalised by the statistics of the first `counted` of them. */
  features(
    images: Tensor,
    weights: Weights,
    counted: number,
  ): { readonly features: Tensor; readonly normalizer: Normalizer } {
    return features(this.configuration, this.network, images, weights, counted);
  }

  /** Logits [n, way] of images, and the features that they are made of. */
  logits(
    images: Tensor,
    weights: Weights,
    counted: number,
  ): { readonly logits: Tensor; readonly features: Tensor; readonly normalizer: Normalizer } {
    const { features: x, normalizer } = this.features(images, weights, counted);
    return { logits: headLogits(x, headOf(weights)), features: x, normalizer };
  }
}

interface HeadGraph {
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly weights: Weights;
}
