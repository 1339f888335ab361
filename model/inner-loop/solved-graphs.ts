import type { ModelConfiguration } from '../configuration.ts';
import { taskConditions } from '../controller/conditions.ts';
import { gradient, partialGradient } from '../graph/gradient.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphFunction } from '../graph/graph.ts';
import { broadcast, crossEntropy, matmul, multiply, slice, stop, subtract } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { inputWeights } from '../graph/variables.ts';
import type { Variable } from '../graph/variables.ts';
import type { Weights } from '../graph/weights.ts';
import { leaveOneOutLogits, leaveOneOutLoss, viewsLogits, viewsLoss } from '../head/losses.ts';
import { ridgeHead } from '../head/ridge.ts';
import { childWeights } from '../network/child.ts';
import { trunkFeatures } from '../network/trunk-network.ts';
import type { TrunkFeatures, TrunkNetworkKind, ViewedSet } from '../network/trunk-network.ts';
import {
  centerName,
  childStatistics,
  statisticNames,
  statisticSpecifications,
} from '../network/trunk-statistics.ts';
import { genotypeKey } from '../search-space/genotype.ts';
import { mixVariables } from '../search-space/mix-names.ts';
import { sourceNames } from '../search-space/taps.ts';
import { imagesShape } from '../search-space/tap-planes.ts';
import { learnedRate, rowOfStep } from './rates.ts';
import type { Rate } from './rates.ts';
import { fitNames } from './unrolled-graphs.ts';
import type { TaskSize } from '../task/labelled-set.ts';
import { rateColumns, weightSpecifications } from '../network/weights.ts';

/** The support set as the head is judged on it: each image by a head that was solved without it. */
interface Judged {
  readonly loss: Tensor;
  readonly logits: Tensor;
}

/** Whose statistics queries are answered by: the support set's, as served, or with their own (transductive). */
export type AnswerStatistics = 'support' | 'both';

/**
 * The graphs of a network on a trunk. Its head is solved in closed form wherever it is needed, so that what the inner loop
 * adapts is everything before it, and Eq. 8 descends the cross-entropy of every support image against the head of all
 * others; of one image a class, that of half of its views against the head of the other half.
 */
export class SolvedGraphs {
  readonly configuration: ModelConfiguration;
  readonly network: TrunkNetworkKind;
  /** What the inner loop adapts: the network's weights and the shares of its sources. */
  readonly adapted: readonly Variable[];
  /** The architecture weights (supernet only). */
  readonly mixes: readonly Variable[];
  /** What the controller sets for a task and no step changes. */
  readonly conditions: readonly Variable[];
  /** Learned statistics. */
  readonly statistics: readonly Variable[];
  /** Where the rate of an adapted tensor stands; parts of one tensor share its rate. */
  readonly #rateColumns: ReadonlyMap<string, number>;

  constructor(configuration: ModelConfiguration, network: TrunkNetworkKind) {
    this.configuration = configuration;
    this.network = network;
    const columns = rateColumns(configuration);
    const shares = { name: 'shares', shape: [1, sourceNames(configuration).length] };
    const body =
      network.kind === 'child'
        ? childWeights(configuration, network.genotype)
        : weightSpecifications(configuration).map(({ name, shape }) => ({ name, shape, from: name }));
    this.#rateColumns = new Map([
      ...body.map(({ name, from }) => [name, columns.indexOf(from)] as const),
      ['shares', columns.indexOf('shares')],
    ]);
    this.adapted = [...body.map(({ name, shape }) => ({ name, shape })), shares];
    this.mixes = network.kind === 'supernet' ? mixVariables(configuration) : [];
    this.conditions = taskConditions(configuration)
      .filter(({ name }) => name !== 'shares')
      .map(({ name, shape }) => ({ name, shape }));
    const learned = statisticSpecifications(configuration);
    const centers = learned.filter(({ name }) => name.startsWith(centerName('')));
    this.statistics =
      network.kind === 'child' ? [...childStatistics(configuration, network.genotype), ...centers] : learned;
  }

  /** Distinguishes compiled graphs of different networks of one configuration. */
  get key(): string {
    return this.network.kind === 'child' ? genotypeKey(this.network.genotype) : this.network.kind;
  }

  /** What every graph of the network may read. */
  get #variables(): Variable[] {
    return [...this.adapted, ...this.mixes, ...this.conditions, ...this.statistics];
  }

  /** Eq. 8 once: the adapted weights after one step, `rates` being the input of that step's row; the fit before it. */
  step(size: TaskSize): GraphFunction {
    const graph = new Graph();
    const rates = this.conditions.find(({ name }) => name === 'inner.rates');
    const row: Variable[] = rates ? [{ name: 'step.rates', shape: [1, rates.shape[1]!] }] : [];
    const weights = inputWeights(graph, [...this.#variables, ...row]);
    const { next, judged } = this.#descend(graph, size, weights, () => weights('step.rates'), gradient);
    return { name: 'inner-step', outputs: { ...Object.fromEntries(next), ...judged } };
  }

  /** The weights after one step of Eq. 8 and the fit before it. */
  #descend(
    graph: Graph,
    size: TaskSize,
    weights: Weights,
    row: () => Tensor,
    derive: typeof gradient,
  ): { readonly next: readonly (readonly [string, Tensor])[]; readonly judged: Judged } {
    const judged = this.#judged(graph, size, weights);
    const names = this.adapted.map(({ name }) => name);
    const down = derive(judged.loss, names.map(weights));
    const rate = this.#rate(row);
    const next = names.map((name, i) => {
      const direction = down[i]!;
      return [name, subtract(weights(name), multiply(direction, rate(name, direction)))] as const;
    });
    return { next, judged };
  }

  /** ρ of one step, from the row of its rates where they are learned. */
  #rate(row: () => Tensor): Rate {
    const { learningRate, rates } = this.configuration.innerLoop;
    if (rates === 'fixed') return () => learningRate;
    return learnedRate(learningRate, row(), (name) => this.#rateColumns.get(name)!);
  }

  /** The support set, each image judged by a head that was solved without it. */
  #judged(graph: Graph, size: TaskSize, weights: Weights): Judged {
    const { way, support, views = 1 } = size;
    const rows = this.images(graph, 'support', support * views);
    const targets = graph.input('support.targets', [support, way]);
    const [lambda, scale] = [weights('head.lambda'), weights('head.scale')];
    if (support > way || views === 1) {
      const { features } = this.features(rows, weights, [{ images: support, views }], 1);
      const problem = { features, targets, lambda, scale };
      return { loss: leaveOneOutLoss(problem), logits: leaveOneOutLogits(problem) };
    }
    const half = Math.floor(views / 2);
    const sets = [half, views - half].map((own): ViewedSet => ({ images: support, views: own }));
    const { features } = this.features(rows, weights, sets, 2);
    const asked = { features: slice(features, 0, 0, support), targets };
    const made = { features: slice(features, 0, support, support), targets };
    const problem = { made, asked, lambda, scale };
    return { loss: viewsLoss(problem), logits: viewsLogits(problem) };
  }

  /**
   * What the service keeps of a support set whose adapted weights are given: the fit, the `features` [n, f], the head made
   * of them, and the statistics that the exported network carries.
   */
  fitted(size: TaskSize): GraphFunction {
    const graph = new Graph();
    const weights = inputWeights(graph, this.#variables);
    const { way, support, views = 1 } = size;
    const targets = graph.input('support.targets', [support, way]);
    const rows = this.images(graph, 'support', support * views);
    const { features, normalizer, centers } = this.features(rows, weights, [{ images: support, views }], 1);
    const statistics = normalizer.statistics.flatMap(({ name, mean, inverse }) => [
      [`mean.${name}`, mean] as const,
      [`inverse.${name}`, inverse] as const,
    ]);
    const { weight, bias } = this.#head(features, targets, weights);
    const outputs = {
      ...Object.fromEntries(statistics),
      ...Object.fromEntries(Object.entries(centers).map(([name, center]) => [`center.${name}`, center])),
      ...this.#judged(graph, size, weights),
      features,
      'head.weight': weight,
      'head.bias': bias,
    };
    return { name: 'fitted', outputs };
  }

  /** The head that queries are answered by. */
  #head(
    features: Tensor,
    targets: Tensor,
    weights: Weights,
  ): { readonly weight: Tensor; readonly bias: Tensor } {
    const { weight, bias } = ridgeHead({ features, targets, lambda: weights('head.lambda') });
    return { weight: multiply(weight, broadcast(weights('head.scale'), weight.shape)), bias };
  }

  /** All steps of Eq. 8 in one graph: the adapted weights, and the fit before step k by `fitNames`. */
  steps(size: TaskSize, steps: number): GraphFunction {
    const graph = new Graph();
    const start = inputWeights(graph, this.#variables);
    const { weights, fits } = this.#unroll(graph, size, start, { steps, exact: steps });
    const last = weights.at(-1)!;
    const adapted = this.adapted.map(({ name }) => [name, last(name)] as const);
    return { name: 'inner-steps', outputs: { ...Object.fromEntries(adapted), ...fits } };
  }

  /** The weights before the first step and after each; derivatives go through the last `exact` ones. */
  #unroll(
    graph: Graph,
    size: TaskSize,
    start: Weights,
    { steps, exact }: { readonly steps: number; readonly exact: number },
  ): { readonly weights: readonly [Weights, ...Weights[]]; readonly fits: Record<string, Tensor> } {
    const fits: Record<string, Tensor> = {};
    const weights: [Weights, ...Weights[]] = [start];
    for (let k = 0; k < steps; k++) {
      const current = weights[k]!;
      const derive: typeof gradient = (loss, wrt) => {
        const down = partialGradient(loss, wrt);
        return k < steps - exact ? down.map(stop) : down;
      };
      const row = (): Tensor => rowOfStep(start('inner.rates'), k);
      const { next, judged } = this.#descend(graph, size, current, row, derive);
      const moved = new Map(next);
      weights.push((name) => moved.get(name) ?? start(name));
      const names = fitNames(k);
      fits[names.loss] = judged.loss;
      fits[names.logits] = judged.logits;
    }
    return { weights, fits };
  }

  /** Logits [query, way] of query images by the adapted weights, and `features` of the support set and then theirs. */
  query(size: TaskSize, query: ViewedSet, statistics: AnswerStatistics = 'support'): GraphFunction {
    const graph = new Graph();
    const weights = inputWeights(graph, this.#variables);
    return { name: 'query', outputs: { ...this.#answers(graph, size, query, weights, statistics) } };
  }

  #answers(
    graph: Graph,
    size: TaskSize,
    query: ViewedSet,
    weights: Weights,
    statistics: AnswerStatistics = 'support',
  ): { readonly logits: Tensor; readonly features: Tensor } {
    const { way, support, views = 1 } = size;
    const rows = this.images(graph, 'both', support * views + query.images * query.views);
    const sets = [{ images: support, views }, query];
    const { features } = this.features(rows, weights, sets, statistics === 'both' ? 2 : 1);
    const targets = graph.input('support.targets', [support, way]);
    const { weight } = this.#head(slice(features, 0, 0, support), targets, weights);
    return { logits: matmul(slice(features, 0, support, query.images), weight, false, true), features };
  }

  /**
   * Eq. 8 and 9 as one graph: `loss` and `logits` of the query set after `steps` steps, the support set's before each
   * (`fitNames`), and the gradients of the query set's loss for all that the inner loop starts from.
   */
  metaGradient(
    size: TaskSize,
    query: ViewedSet,
    { steps, exact }: { readonly steps: number; readonly exact: number },
  ): GraphFunction {
    const graph = new Graph();
    const start = inputWeights(graph, this.#variables);
    const { weights, fits } = this.#unroll(graph, size, start, { steps, exact });
    const { logits } = this.#answers(graph, size, query, weights.at(-1)!);
    const loss = crossEntropy(logits, graph.input('query.targets', [query.images, size.way]));
    const wrt = this.startVariables;
    const gradients = gradient(
      loss,
      wrt.map(({ name }) => start(name)),
    );
    const named = Object.fromEntries(wrt.map(({ name }, i) => [name, gradients[i]!]));
    return { name: 'unrolled-meta-gradient', outputs: { loss, logits, ...fits, ...named } };
  }

  /** What the meta-gradient has derivatives for. */
  get startVariables(): Variable[] {
    return [...this.adapted, ...this.mixes, ...this.conditions];
  }

  /** Rows of planes of a set. */
  images(graph: Graph, set: 'support' | 'query' | 'both', rows: number): Tensor {
    return graph.input(`${set}.images`, imagesShape(this.configuration, rows));
  }

  /** Features [images, f] of rows, by the statistics of the first `counted` sets. */
  features(rows: Tensor, weights: Weights, sets: readonly ViewedSet[], counted: number): TrunkFeatures {
    const learned = {
      share: weights('statistics.share'),
      centerShare: weights('statistics.center-share'),
      of: (name: string) => {
        const { mean, square } = statisticNames(name);
        return { mean: weights(mean), square: weights(square) };
      },
      center: (source: string) => weights(centerName(source)),
    };
    return trunkFeatures(this.configuration, this.network, rows, weights, { sets, counted }, learned);
  }
}
