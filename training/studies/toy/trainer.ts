import { defaultEngine } from '../../../engine/options.ts';
import type { EngineName } from '../../../engine/options.ts';
import { WorkerPool } from '../../../engine/pool.ts';
import { adamInit, adamUpdate } from '../../optimizer/adam.ts';
import { addInto } from '../../optimizer/kernels/vectors.ts';
import { regressionKey } from '../../../model/regression/cell.ts';
import type { RegressionGenotype } from '../../../model/regression/cell.ts';
import { finalTraining } from '../../../model/regression/mnas.ts';
import type { RegressionTraining } from '../../../model/regression/mnas.ts';
import { ParameterLayout, SharedParameters, sharedVector } from '../../run/parameter-vector.ts';
import type { RunFolder } from '../../run/run-folder.ts';
import { runLoop } from '../../run/run-loop.ts';
import type { RunEvents } from '../../run/run-loop.ts';
import { stageAt, totalIterations } from '../../run/schedule.ts';
import { byFrequency } from '../../report/statistics.ts';
import { DivergenceError } from '../../run/divergence.ts';
import type { ToyConfiguration, ToyStage } from './configuration.ts';
import { byFamily, families } from './families.ts';
import { evaluateFamilies } from './held-out.ts';
import type { Family } from './families.ts';
import type { ToyEvaluationPayload, ToyEvaluationResult, ToyJobs, ToyWorkerData } from './jobs.ts';
import { shownTask, shownTasks } from './fits.ts';
import { freshState, specificationsOf, toyIdentity } from './state.ts';
import type { ToyState } from './state.ts';

/** A meta-batch is computed in two parts, whatever the number of workers: sums keep their order. */
const shares = 2;
/** Training tasks a family that decide which architectures are kept. */
const genotypeTasks = 250;
/** Iterations without a finite gradient, one after another, that end a run. */
const skipLimit = 10;

/** One line of the metrics. */
export interface ToyMetrics {
  readonly iteration: number;
  readonly stage: string;
  /** Mean over the meta-batch's tasks; null where it was not finite and the iteration was skipped. */
  readonly error: number | null;
  readonly seconds: number;
}

export type ToyEvents = RunEvents<ToyMetrics, Readonly<Record<Family, number>>>;

/** Meta-training of one row of Table 1; a pure function of its configuration and engine. */
export class ToyTrainer {
  readonly #configuration: ToyConfiguration;
  readonly #folder: RunFolder;
  readonly #layout: ParameterLayout;
  readonly #pool: WorkerPool<ToyJobs, ToyWorkerData>;
  readonly #identity: string;
  readonly #shared: SharedParameters;
  readonly #gradients: readonly Float32Array[];
  readonly #rates: Float32Array;
  #state: ToyState;
  #skipped = 0;

  private constructor(
    configuration: ToyConfiguration,
    folder: RunFolder,
    state: ToyState,
    engine: EngineName,
  ) {
    this.#configuration = configuration;
    this.#folder = folder;
    this.#identity = toyIdentity(configuration, engine);
    this.#layout = new ParameterLayout(specificationsOf(configuration));
    const { length } = this.#layout;
    this.#shared = new SharedParameters(state.parameters);
    this.#gradients = Array.from({ length: shares }, () => sharedVector(length));
    this.#rates = new Float32Array(length);
    this.#state = state;
    const workerData: ToyWorkerData = {
      configuration,
      parameters: this.#shared.vector,
      gradients: this.#gradients,
    };
    this.#pool = new WorkerPool({
      workers: configuration.workers,
      queueLimit: 1000,
      jobs: new URL('./jobs.ts', import.meta.url),
      engine: { name: engine, provider: 'cpu', threads: 1, cacheSize: 16, memoryPattern: false },
      workerData,
    });
  }

  /** From new meta-weights or, exactly, from the saved state of `folder`. */
  static async start(
    configuration: ToyConfiguration,
    folder: RunFolder,
    from: 'new' | 'saved',
    engine: EngineName = defaultEngine,
  ): Promise<ToyTrainer> {
    const state =
      from === 'saved'
        ? await folder.loadState<RegressionGenotype>(toyIdentity(configuration, engine))
        : freshState(configuration);
    await (from === 'saved' ? folder.trimMetrics(state.iteration) : folder.begin(state.iteration));
    return new ToyTrainer(configuration, folder, state, engine);
  }

  get state(): ToyState {
    return this.#state;
  }

  /** Trains until `until` (exclusive; the end by default) or until the signal; saves on the way and at the end. */
  async run(
    events: ToyEvents = {},
    until = totalIterations(this.#configuration),
    signal?: AbortSignal,
  ): Promise<void> {
    const { validation, checkpointMinutes } = this.#configuration;
    const steps = {
      pool: this.#pool,
      folder: this.#folder,
      iteration: () => this.#state.iteration,
      step: () => this.#step(),
      validate: () => this.validate(),
      save: () => this.save(),
    };
    const limits = { until, validateEvery: validation.every, saveMinutes: checkpointMinutes, signal };
    await runLoop(steps, limits, events);
  }

  async save(): Promise<void> {
    await this.#folder.saveState(this.#state, this.#identity);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  /** Mean squared error on validation tasks, by family. */
  async validate(): Promise<Record<Family, number>> {
    const results = await this.evaluate('validation', this.#configuration.validation.tasks);
    return byFamily((family) => {
      const { errors } = results[family];
      return errors.reduce((total, error) => total + error, 0) / errors.length;
    });
  }

  /** Errors, architectures and embeddings of held-out tasks, by family, in the order of the tasks. */
  evaluate(set: ToyEvaluationPayload['set'], tasks: number): Promise<Record<Family, ToyEvaluationResult>> {
    return evaluateFamilies(this.#pool, { set, ...this.#architectures() }, tasks);
  }

  /** What the shown test task of each family is predicted to be on its grid. */
  async fits(): Promise<Record<Family, readonly number[]>> {
    const shown = shownTasks(this.#configuration);
    const entries = families.map(async (family) => {
      const { grid } = shown[family];
      const payload = { ...this.#architectures(), family, task: shownTask, grid };
      return [family, [...(await this.#pool.run('fit', payload))]] as const;
    });
    return Object.fromEntries(await Promise.all(entries)) as Record<Family, readonly number[]>;
  }

  /** What held-out tasks run with: their decoded architecture once the search is over. */
  #architectures(): Pick<ToyEvaluationPayload, 'training' | 'genotypes'> {
    const { iteration, genotypes } = this.#state;
    const last = Math.max(0, iteration - 1); // at the end of a stage still that stage
    const stage = genotypes.length > 0 ? 'retrain' : stageAt(this.#configuration, last).stage.stage;
    return { training: { ...finalTraining, stage }, genotypes };
  }

  async #step(): Promise<ToyMetrics> {
    const started = performance.now();
    const { iteration } = this.#state;
    const { stage, progress, first, position } = stageAt(this.#configuration, iteration);
    if (first) await this.#enterStage(stage);
    const { metaBatch, gradientClip } = this.#configuration;
    const training = this.#training(stage, position);
    const cuts = Array.from({ length: shares + 1 }, (_, i) => Math.ceil((i * metaBatch) / shares));
    const results = await Promise.all(
      cuts.slice(1).map((end, i) =>
        this.#pool.run('gradient', {
          iteration,
          share: i,
          start: cuts[i]!,
          count: end - cuts[i]!,
          training,
          genotypes: this.#state.genotypes,
        }),
      ),
    );
    const [gradient, other] = this.#gradients as [Float32Array, Float32Array];
    const norm = addInto(gradient, other) / metaBatch;
    const error = results.reduce((sum, { errors }) => errors.reduce((a, b) => a + b, sum), 0) / metaBatch;
    const finite = Number.isFinite(norm) && Number.isFinite(error);
    if (finite) {
      const { parameters } = this.#state;
      const rates = this.#learningRates(stage, progress);
      const scale = Math.min(1, gradientClip / norm) / metaBatch;
      const adam = adamUpdate(this.#state.adam, parameters, gradient, rates, scale);
      this.#state = { ...this.#state, adam };
      this.#shared.set(parameters);
    }
    const seconds = (performance.now() - started) / 1000;
    this.#state = { ...this.#state, iteration: iteration + 1, seconds: this.#state.seconds + seconds };
    this.#countSkip(finite, `error ${error}, gradient norm ${norm}`);
    const metrics = { iteration: iteration + 1, stage: stage.stage, error, seconds };
    return finite ? metrics : { ...metrics, error: null };
  }

  /** An inner loop may leave the range of numbers on a rare task: its meta-batch is skipped, and the metrics show it. */
  #countSkip(finite: boolean, what: string): void {
    this.#skipped = finite ? 0 : this.#skipped + 1;
    if (this.#skipped < skipLimit) return;
    const { iteration } = this.#state;
    throw new DivergenceError(
      `not finite at ${skipLimit} iterations in a row up to ${iteration}, seed ${this.#configuration.seed}: ${what}`,
    );
  }

  #training({ stage, multiStepIterations }: ToyStage, position: number): RegressionTraining {
    const { reconstructionWeight, method } = this.#configuration;
    const steps = method.kind === 'm-nas' ? method.model.innerLoop.steps : 0;
    const stepWeights = position < multiStepIterations ? Array.from({ length: steps }, () => 1 / steps) : [];
    return { stage, stepWeights, reconstructionWeight };
  }

  #learningRates(stage: ToyStage, progress: number): Float32Array {
    const [from, to] = stage.learningRate;
    const done = stage.schedule === 'linear' ? progress : (1 - Math.cos(Math.PI * progress)) / 2;
    const outer = from + (to - from) * done;
    const { controllerLearningRate } = this.#configuration;
    const controller = stage.stage === 'retrain' ? 0 : controllerLearningRate;
    return this.#layout.perGroup((group) => (group === 'controller' ? controller : outer), this.#rates);
  }

  /** Settles the architectures before the children are trained; draws new meta-weights where the stage says so. */
  async #enterStage({ stage, reinitialize }: ToyStage): Promise<void> {
    if (this.#configuration.method.kind !== 'm-nas') return;
    if (stage === 'retrain' && this.#state.genotypes.length === 0) await this.#settleGenotypes();
    if (stage !== 'search') this.#forgetSearchedRates();
    if (!reinitialize) return;
    const fresh = freshState(this.#configuration, `${this.#state.iteration}`);
    const { parameters } = fresh;
    for (const { group, start, size } of this.#layout.entries)
      if (group === 'controller') parameters.set(this.#state.parameters.subarray(start, start + size), start);
    this.#shared.set(parameters);
    this.#state = { ...this.#state, parameters, adam: adamInit(parameters.length) };
  }

  /**
   * Inner rates that were learned in the search are the relaxed network's: its operations weigh α < 1. On a decoded
   * cell, whose operations weigh 1, they let the inner loop of most tasks diverge, so they are learned anew.
   */
  #forgetSearchedRates(): void {
    const { iteration, parameters, adam } = this.#state;
    const before = iteration > 0 ? stageAt(this.#configuration, iteration - 1).stage.stage : 'search';
    const rates = this.#layout.entries.find(({ name }) => name === 'inner.rates');
    if (!rates || before !== 'search') return;
    const { start, size } = rates;
    for (const vector of [parameters, adam.first, adam.second]) vector.fill(0, start, start + size);
    this.#shared.set(parameters);
  }

  async #settleGenotypes(): Promise<void> {
    const results = await this.evaluate('genotypes', genotypeTasks);
    const decoded = families.flatMap((family) => results[family].decoded);
    const sorted = byFrequency(decoded, regressionKey);
    const line = {
      iteration: this.#state.iteration + 1,
      decoded: sorted.length,
      genotypes: sorted.slice(0, 20).map(({ key, count }) => ({ key, count })),
    };
    await this.#folder.appendMetrics([line]);
    const kept = sorted.slice(0, this.#configuration.maximumGenotypes);
    this.#state = { ...this.#state, genotypes: kept.map(({ value }) => value) };
  }
}
