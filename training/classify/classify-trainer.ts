import { join } from 'node:path';
import { WorkerPool } from '../../engine/pool.ts';
import { encodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { initialParameters } from '../../model/parameters.ts';
import { drawParameters } from '../../model/layers/parameter-specification.ts';
import { fold, integer, keyFrom } from '../../model/random.ts';
import { parseGenotypeKey } from '../../model/search-space/genotype.ts';
import { sharedVector } from '../run/parameter-vector.ts';
import type { ParameterLayout } from '../run/parameter-vector.ts';
import type { RunFolder } from '../run/run-folder.ts';
import { writeAtomically } from '../run/write-atomically.ts';
import { trainingClasses } from './draw-batch.ts';
import { classifyIdentity, encodeState, loadState, stateFile } from './classify-state.ts';
import type { ClassifyState } from './classify-state.ts';
import { classifierSpecifications } from './classify-graph.ts';
import type { ClassifyConfiguration } from './configuration.ts';
import type { ClassifyJobs, ClassifyResult, ClassifyWorkerData } from './jobs.ts';
import { classifyLayout, segmentsOf } from './layout.ts';
import { classifiedPart, taughtLength } from './samples.ts';
import type { ClassifiedDomain } from './samples.ts';
import { stemSpecifications } from './stem.ts';
import { trainedCheckpoint } from './trained-checkpoint.ts';
import type { Trained } from './trained-checkpoint.ts';
import type { Segment } from './layout.ts';
import { descend } from './momentum.ts';

/** What is told of a step. */
export interface ClassifyMetrics extends ClassifyResult {
  readonly iteration: number;
  readonly seconds: number;
}

/** What a trainer begins with. */
interface ClassifyStart {
  readonly layout: ParameterLayout;
  readonly state: ClassifyState;
  readonly identity: string;
  /** With which the domains are drawn. */
  readonly weights: readonly number[];
}

/** The stage `classify`: a pure function of configuration and planes; every step is two half batches on the workers. */
export class ClassifyTrainer {
  readonly #configuration: ClassifyConfiguration;
  readonly #folder: RunFolder;
  readonly #layout: ParameterLayout;
  readonly #pool: WorkerPool<ClassifyJobs, ClassifyWorkerData>;
  readonly #shared: Float32Array;
  readonly #halves: readonly Float32Array[];
  readonly #segments: ReadonlyMap<string, readonly Segment[]>;
  readonly #identity: string;
  #state: ClassifyState;

  private constructor(
    configuration: ClassifyConfiguration,
    domains: readonly ClassifiedDomain[],
    folder: RunFolder,
    { layout, state, identity, weights }: ClassifyStart,
  ) {
    this.#configuration = configuration;
    this.#folder = folder;
    this.#layout = layout;
    this.#identity = identity;
    this.#state = state;
    this.#shared = sharedVector(layout.length);
    this.#halves = [sharedVector(layout.length), sharedVector(layout.length)];
    const { model, classify, stem, seed, workers } = configuration;
    this.#segments = new Map(
      classify.architectures.map((key) => [key, segmentsOf(model, parseGenotypeKey(key), layout)]),
    );
    const workerData: ClassifyWorkerData = {
      model,
      classify,
      stem: stem?.channels,
      domains,
      weights,
      seed,
      parameters: this.#shared,
      halves: this.#halves,
    };
    this.#pool = new WorkerPool({
      workers,
      queueLimit: 2,
      jobs: new URL('./jobs.ts', import.meta.url),
      engine: { provider: 'cpu', threads: 1, cacheSize: classify.architectures.length, memoryPattern: false },
      workerData,
    });
  }

  /**
   * From new weights or from those of a checkpoint, which destroys a saved state (ask `folder.refuseToOverwrite(stateFile)`
   * before), or from the saved state of the folder, exactly.
   * @param domains of the configuration, all in its order; which classes are learned the stage decides
   * @throws Error when the saved state is of another configuration or of other images
   */
  static async start(
    configuration: ClassifyConfiguration,
    domains: readonly ClassifiedDomain[],
    folder: RunFolder,
    from: 'new' | 'saved' | Checkpoint,
  ): Promise<ClassifyTrainer> {
    const learned = configuration.domains
      .map(({ classified, weight }, i) => ({ classified, weight, own: domains[i]! }))
      .filter(({ classified }) => classified > 0);
    const taken = learned.map(({ own, classified }) => classifiedPart(own, classified));
    const weights = learned.map(({ weight }) => weight);
    const { model, seed, stem } = configuration;
    const shape = {
      classes: trainingClasses(taken).count,
      teacher: taughtLength(taken[0]!),
      stem: stem?.channels,
    };
    const layout = classifyLayout(model, shape);
    const identity = classifyIdentity(configuration, domains);
    if (from === 'saved') {
      const state = await loadState(folder, identity);
      await folder.trimMetrics(state.iteration);
      return new ClassifyTrainer(configuration, taken, folder, { layout, state, identity, weights });
    }
    const key = keyFrom(seed);
    const parameters = layout.pack({
      ...(from === 'new' ? initialParameters(model, key) : from.parameters),
      ...drawParameters(stem ? stemSpecifications(stem.channels) : [], fold(key, 'stem')),
      ...drawParameters(classifierSpecifications(model, shape), fold(key, 'classifier')),
    });
    const state = {
      iteration: 0,
      parameters,
      momentum: new Float32Array(layout.length),
      average: parameters.slice(),
      seconds: 0,
    };
    await folder.begin(0, stateFile);
    return new ClassifyTrainer(configuration, taken, folder, { layout, state, identity, weights });
  }

  get iteration(): number {
    return this.#state.iteration;
  }

  /** Trains until the end or the signal; saves every few minutes and at the end. */
  async run(
    iteration: (metrics: ClassifyMetrics) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    const { classify, checkpointMinutes } = this.#configuration;
    let saved = performance.now();
    while (this.#state.iteration < classify.iterations && !signal?.aborted) {
      const metrics = await this.#step();
      if (metrics.iteration % 20 === 0) await this.#folder.appendMetrics([metrics]);
      iteration(metrics);
      if (performance.now() - saved < checkpointMinutes * 60_000) continue;
      await this.save();
      saved = performance.now();
    }
    await this.save();
  }

  async #step(): Promise<ClassifyMetrics> {
    const started = performance.now();
    const { classify, seed } = this.#configuration;
    const { iteration, parameters, momentum, average } = this.#state;
    const at = integer(fold(keyFrom(seed), 'architecture', iteration), classify.architectures.length);
    const architecture = classify.architectures[at]!;
    this.#shared.set(parameters);
    const results = await Promise.all(
      this.#halves.map((_, half) => this.#pool.run('classify', { iteration, half, architecture })),
    );
    const mean = (of: keyof ClassifyResult): number => (results[0]![of] + results[1]![of]) / 2;
    const loss = mean('loss');
    if (!Number.isFinite(loss))
      throw new Error(`iteration ${iteration}: the loss is ${loss} (${architecture})`);
    const rate = (classify.learningRate * (1 + Math.cos((Math.PI * iteration) / classify.iterations))) / 2;
    const decay = Math.min(classify.averaging, (1 + iteration) / (10 + iteration));
    descend({ parameters, momentum, average }, this.#halves, this.#segments.get(architecture)!, {
      ...classify,
      rate,
      decay,
    });
    const seconds = this.#state.seconds + (performance.now() - started) / 1000;
    this.#state = { ...this.#state, iteration: iteration + 1, seconds };
    return { iteration: iteration + 1, loss, teaching: mean('teaching'), seconds };
  }

  async save(): Promise<void> {
    await writeAtomically(join(this.#folder.path, stateFile), encodeState(this.#state, this.#identity));
    const { trunk, checkpoint } = this.#trained();
    if (trunk) {
      const { card, bytes: file } = trunk;
      await writeAtomically(join(this.#folder.path, card.file), file);
      await writeAtomically(
        join(this.#folder.path, `${card.name}.json`),
        Buffer.from(`${JSON.stringify(card, null, 2)}\n`),
      );
    }
    await writeAtomically(join(this.#folder.path, 'classified.safetensors'), encodeCheckpoint(checkpoint));
  }

  /** The averaged weights as a checkpoint whose architectures are those of the stage. */
  checkpoint(): Checkpoint {
    return this.#trained().checkpoint;
  }

  #trained(): Trained {
    const { iteration, seconds, average } = this.#state;
    return trainedCheckpoint(this.#configuration, this.#layout.unpack(average), { iteration, seconds });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
