import { childWeights, selectChild } from '../network/child.ts';
import type { ChildWeight } from '../network/child.ts';
import type { ModelConfiguration } from '../configuration.ts';
import { chooseGenotype, edgeCount, genotypeKey, oneHot, operationNames } from '../search-space/genotype.ts';
import type { RelaxedArchitecture, Genotype } from '../search-space/genotype.ts';
import type { Executor } from '../graph/executor.ts';
import { solvedNetwork } from './solved-network.ts';
import type { SolvedNetwork } from './solved-network.ts';
import { stepRateValues } from './rates.ts';
import { Programs } from '../graph/programs.ts';
import type { Values } from '../graph/programs.ts';
import { embeddingFunction } from '../controller/embedding-graphs.ts';
import { TaskGraphs } from './step-graphs.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import type { TaskSize, LabelledSet, Fit } from '../task/labelled-set.ts';
import { noRelaxation, relaxationInputs } from '../controller/relaxation.ts';
import { supportInputs, sizeKey, fitOf, joined } from '../task/labelled-set.ts';
import { relaxedTaps } from '../controller/architecture.ts';
import { isFamiliar } from '../controller/familiar-kinds.ts';

/** Task embedding, architecture weights and modulated meta-weights of one support set. */
export interface Embedded extends Favoured {
  readonly embedding: Float32Array;
  readonly modulated: Values;
}

/** What the controller says of a task. */
export interface Favoured {
  /** null: the network is not one of cells. */
  readonly architecture: RelaxedArchitecture | null;
  /** Whether the controller has learned to choose for tasks of this kind. */
  readonly familiar: boolean;
}

/** A network whose weights a task adapts: the relaxed supernet, one decoded child, or a conv4. */
export interface TaskNetwork {
  readonly graphs: TaskGraphs;
  /** Parts of the one-shot model's weights, for a child. */
  readonly child: readonly ChildWeight[] | null;
}

/** A support set on a network: what every stage of its inner loop reads. */
export interface NetworkTask {
  readonly network: TaskNetwork;
  /** The supernet's architecture inputs; none for a child. */
  readonly mixes: Values;
  readonly support: LabelledSet;
  readonly size: TaskSize;
}

/** Runs the paper's stages on tasks of any size with one executor. */
export class TaskRunner {
  readonly configuration: ModelConfiguration;
  readonly programs: Programs;
  /** What `decode` chooses among; empty: every genotype. */
  readonly genotypes: readonly Genotype[];
  readonly #networks = new Map<string, TaskNetwork>();
  readonly #solved = new Map<string, SolvedNetwork>();

  /** By default the programs are those of `executor`. */
  constructor(
    configuration: ModelConfiguration,
    executor: Executor,
    genotypes: readonly Genotype[] = [],
    programs = new Programs(executor, JSON.stringify(configuration)),
  ) {
    this.configuration = configuration;
    this.genotypes = genotypes;
    this.programs = programs;
  }

  supernet(): TaskNetwork {
    return this.#network('supernet', () => ({
      graphs: new TaskGraphs(this.configuration, { kind: 'supernet' }),
      child: null,
    }));
  }

  conv4(): TaskNetwork {
    return this.#network('conv4', () => ({
      graphs: new TaskGraphs(this.configuration, { kind: 'conv4' }),
      child: null,
    }));
  }

  /** The one-shot model on a trunk, or the child of a genotype there. */
  solved(genotype: Genotype | null): SolvedNetwork {
    const key = genotype ? genotypeKey(genotype) : 'supernet';
    const known = this.#solved.get(key) ?? solvedNetwork(this.configuration, genotype);
    this.#solved.set(key, known);
    return known;
  }

  child(genotype: Genotype): TaskNetwork {
    return this.#network(genotypeKey(genotype), () => ({
      graphs: new TaskGraphs(this.configuration, { kind: 'child', genotype }),
      child: childWeights(this.configuration, genotype),
    }));
  }

  #network(key: string, create: () => TaskNetwork): TaskNetwork {
    const known = this.#networks.get(key) ?? create();
    this.#networks.set(key, known);
    return known;
  }

  /**
   * Stages (a) and (b): z_i, α_i and w̃_i = τ_i ⊙ w̃. A conv4 has none of them: all its tasks start from the
   * meta-weights.
   */
  async embed(
    parameters: Parameters,
    support: LabelledSet,
    size: TaskSize,
    relaxation = noRelaxation,
  ): Promise<Embedded> {
    if (this.configuration.network.kind === 'conv4')
      return { embedding: new Float32Array(0), architecture: null, familiar: true, modulated: parameters };
    const given = { ...supportInputs(support), ...relaxationInputs(relaxation) };
    const masked = relaxation.mask !== null;
    const key = `embedding ${sizeKey(size)} ${masked}`;
    const results = await this.programs.run(
      key,
      () => embeddingFunction(this.configuration, size, masked),
      parameters,
      given,
    );
    const { embedding, alpha } = results as Record<'embedding' | 'alpha', Float32Array>;
    const length = edgeCount(this.configuration.supernet.nodes) * operationNames.length;
    const architecture = {
      normal: alpha.slice(0, length),
      reduction: alpha.slice(length),
      ...(this.configuration.trunk ? { taps: relaxedTaps(this.configuration, results) } : {}),
    };
    const familiar = isFamiliar(this.configuration, parameters, embedding);
    return { embedding, architecture, familiar, modulated: results };
  }

  /**
   * The genotype of `choices` that the architecture weights favour most; any where there are none. The first one of a task
   * of a kind that the controller has not learned to choose for.
   * @throws TypeError without an architecture, of a network that is not one of cells
   */
  decode({ architecture, familiar }: Favoured, choices = this.genotypes): Genotype {
    if (!architecture) throw new TypeError('only a network of cells has an architecture to decode');
    const [first] = choices;
    if (first && !familiar) return first;
    return chooseGenotype(architecture, choices, this.configuration.supernet.nodes);
  }

  oneHot(genotype: Genotype): RelaxedArchitecture {
    return oneHot(genotype, this.configuration.supernet.nodes);
  }

  /** The weights from which the inner loop starts: the network's part of w̃_i and the head. */
  async initialWeights(
    { network, mixes, support, size }: NetworkTask,
    parameters: Parameters,
    modulated: Values,
  ): Promise<Values> {
    const body = network.child ? selectChild(network.child, modulated) : modulated;
    return this.withHead({ network, mixes, support, size }, parameters, body);
  }

  /** The network's weights `body` with the head that they make of the support set. */
  async withHead(
    { network, mixes, support, size }: NetworkTask,
    parameters: Parameters,
    body: Values,
  ): Promise<Values> {
    const head = await this.programs.run(
      `head ${network.graphs.key} ${sizeKey(size)}`,
      () => ({ name: 'head', outputs: network.graphs.head(size).outputs }),
      parameters,
      body,
      mixes,
      supportInputs(support),
    );
    const names = network.graphs.adapted(size.way).map(({ name }) => name);
    return Object.fromEntries(names.map((name) => [name, head[name] ?? body[name]!]));
  }

  /** One step of Eq. 8 on the support set: the weights after it, and the fit before it; `rates` where they are learned. */
  async innerStep(
    { network: { graphs }, mixes, support, size }: NetworkTask,
    weights: Values,
    rates: Values = {},
  ): Promise<{ weights: Values; fit: Fit }> {
    const results = await this.programs.run(
      `step ${graphs.key} ${sizeKey(size)}`,
      () => graphs.step(size),
      weights,
      mixes,
      rates,
      supportInputs(support),
    );
    const { loss, logits, ...next } = results;
    return { weights: next, fit: fitOf({ loss: loss!, logits: logits! }, support, size.way) };
  }

  /** So many steps of Eq. 8 from the weights `start`, a graph each: what `innerStep` gives of every one. */
  async *innerSteps(
    task: NetworkTask,
    start: Values,
    parameters: Values,
    steps: number,
  ): AsyncGenerator<{ weights: Values; fit: Fit }> {
    let weights = start;
    for (let k = 0; k < steps; k++) {
      const stepped = await this.innerStep(task, weights, stepRateValues(this.configuration, parameters, k));
      yield stepped;
      weights = stepped.weights;
    }
  }

  /** Logits [query, way] of the adapted network, normalised by the support set or by the query batch itself. */
  async queryLogits(
    { network: { graphs }, mixes, support, size }: NetworkTask,
    weights: Values,
    query: LabelledSet,
    statistics: 'support' | 'batch',
  ): Promise<Float32Array> {
    const key = `query ${statistics} ${graphs.key} ${sizeKey(size)} ${query.count}`;
    const given =
      statistics === 'support'
        ? { 'both.images': joined(support.images, query.images) }
        : { 'query.images': query.images };
    const { logits } = await this.programs.run(
      key,
      () => graphs.query(size, query.count, statistics),
      weights,
      mixes,
      given,
    );
    return logits!;
  }
}
