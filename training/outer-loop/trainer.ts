import { defaultEngine } from '../../engine/options.ts';
import type { EngineName } from '../../engine/options.ts';
import { WorkerPool } from '../../engine/pool.ts';
import { adamUpdate } from '../optimizer/adam.ts';
import { encodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import { parameterSpecifications } from '../../model/parameters.ts';
import type { ParameterGroup } from '../../model/layers/parameter-specification.ts';
import type { StageConfiguration, TrainingConfiguration } from './configuration.ts';
import type { ClassedDomain, ImageDomain } from '../data/domain.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { average } from '../run/averaging.ts';
import { commit } from '../run/commit.ts';
import { checkFinite } from '../run/divergence.ts';
import { chooseGenotypes } from './genotype-choice.ts';
import { fitCalibration } from './fit-calibration.ts';
import { calibrationAnswers, drawArchitectures, embeddedTasks, validationAccuracies } from './held-out.ts';
import type { PausedRun } from './held-out.ts';
import {
  classifiedState,
  continuedState,
  freshState,
  isClassified,
  reinitializedState,
} from './initial-state.ts';
import { metricsOf } from './iteration-metrics.ts';
import { fitMirroring } from './fit-mirroring.ts';
import { largestMetaBatch, meanInto, metaBatchGradients, normOf } from './meta-batch.ts';
import type { IterationMetrics } from './iteration-metrics.ts';
import { engineEntry, identityOf } from './run-identity.ts';
import { runLoop } from '../run/run-loop.ts';
import type { RunEvents } from '../run/run-loop.ts';
import { stageAt, temperatureAt, totalIterations } from '../run/schedule.ts';
import type { TrainingJobs } from './training-jobs.ts';
import { partedState } from './branch.ts';
import type { EarlierRun } from './branch.ts';
import { ParameterLayout, SharedParameters, sharedVector } from '../run/parameter-vector.ts';
import { writeAtomically } from '../run/write-atomically.ts';
import type { RunFolder, RunState, Validation } from '../run/run-folder.ts';
import { domainData } from '../worker/worker-state.ts';
import type { TrainingWorkerData } from '../worker/worker-state.ts';

export type TrainerEvents = RunEvents<IterationMetrics, Validation['accuracies']>;

/** Meta-training (Algorithm 1) over the cores of one machine; a pure function of configuration, data and engine. */
export class Trainer {
  readonly #configuration: TrainingConfiguration;
  readonly #folder: RunFolder;
  readonly #engine: EngineName;
  readonly #layout: ParameterLayout;
  readonly #pool: WorkerPool<TrainingJobs, TrainingWorkerData>;
  readonly #shared: SharedParameters;
  /** Of the tasks of a meta-batch, written by the workers; their mean; the rates of a step. */
  readonly #gradients: readonly Float32Array[];
  readonly #gradient: Float32Array;
  readonly #rates: Float32Array;
  readonly #identity: string;
  readonly #domains: readonly ClassedDomain[];
  #state: RunState;

  private constructor(
    configuration: TrainingConfiguration,
    domains: readonly ImageDomain[] | readonly PlaneDomain[],
    folder: RunFolder,
    state: RunState,
    engine: EngineName,
  ) {
    this.#configuration = configuration;
    this.#folder = folder;
    this.#engine = engine;
    this.#layout = new ParameterLayout(parameterSpecifications(configuration.model));
    const { length } = this.#layout;
    this.#shared = new SharedParameters(state.parameters);
    this.#gradients = Array.from({ length: largestMetaBatch(configuration) }, () => sharedVector(length));
    this.#gradient = new Float32Array(length);
    this.#rates = new Float32Array(length);
    this.#identity = identityOf(configuration, domains, engine);
    this.#domains = domains;
    this.#state = state;
    const workerData: TrainingWorkerData = {
      model: configuration.model,
      ...domainData(domains),
      weights: configuration.domains.map(({ weight }) => weight),
      augmentations: configuration.domains.map(({ augmentation }) => augmentation),
      seed: configuration.seed,
      parameters: this.#shared.vector,
      gradients: this.#gradients,
    };
    this.#pool = new WorkerPool({
      workers: configuration.workers,
      queueLimit: 100_000,
      jobs: new URL('../jobs.ts', import.meta.url),
      engine: {
        name: engine,
        provider: 'cpu',
        threads: 1,
        cacheSize: 40,
        memoryPattern: false,
      },
      workerData,
    });
  }

  /**
   * From new meta-weights, from the saved state of `folder` (exactly), from where it parts from another run (exactly, see
   * partedState), or from a checkpoint (see classifiedState and continuedState). All but the second destroy a saved state: ask
   * `folder.refuseToOverwrite` before.
   */
  static async start(
    configuration: TrainingConfiguration,
    domains: readonly ImageDomain[] | readonly PlaneDomain[],
    folder: RunFolder,
    from: 'new' | 'saved' | Checkpoint | EarlierRun,
    engine: EngineName = defaultEngine,
  ): Promise<Trainer> {
    const stateOf = async (): Promise<RunState> => {
      if (from === 'saved') return folder.loadState(identityOf(configuration, domains, engine));
      if (from === 'new') return freshState(configuration);
      if ('folder' in from) return partedState(configuration, from, folder, domains, engine);
      return isClassified(from) ? classifiedState(configuration, from) : continuedState(configuration, from);
    };
    const state = await stateOf();
    await (from === 'saved' ? folder.trimMetrics(state.iteration) : folder.begin(state.iteration));
    return new Trainer(configuration, domains, folder, state, engine);
  }

  get iteration(): number {
    return this.#state.iteration;
  }

  /** Trains until `until` (exclusive; the end by default) or until the signal; saves on the way and at the end. */
  async run(
    events: TrainerEvents = {},
    until = totalIterations(this.#configuration),
    signal?: AbortSignal,
  ): Promise<void> {
    const { validation, checkpointMinutes } = this.#configuration;
    const steps = {
      pool: this.#pool,
      folder: this.#folder,
      iteration: () => this.#state.iteration,
      step: () => this.#step(),
      validate: () => this.#validate(),
      save: () => this.save(),
    };
    const limits = { until, validateEvery: validation.every, saveMinutes: checkpointMinutes, signal };
    await runLoop(steps, limits, events);
    if (this.#state.iteration < totalIterations(this.#configuration)) return;
    await this.#calibrate();
    await this.save();
  }

  /** Which tasks are mirrored, where the model mirrors: in the parameters and in what is kept, for it has no gradient. */
  async #fitMirroring(): Promise<void> {
    if (!this.#configuration.model.mirroring) return;
    const { start, size } = this.#layout.entries.find(({ group }) => group === 'mirroring')!;
    const fitted = fitMirroring(await embeddedTasks(this.#paused));
    for (const vector of [this.#state.parameters, this.#kept, this.#shared.vector])
      vector.subarray(start, start + size).set(fitted);
  }

  /** At the end of a run: probabilities that mean what they say, by a temperature fitted on validation tasks. */
  async #calibrate(): Promise<void> {
    const { start, size } = this.#layout.entries.find(({ group }) => group === 'calibration')!;
    const own = (parameters: Float32Array): Float32Array => parameters.subarray(start, start + size);
    own(this.#kept).fill(0); // what an earlier end of this run has fitted
    const answers = await this.#shared.during(this.#kept, async () => {
      await this.#fitMirroring();
      return calibrationAnswers(this.#paused);
    });
    own(this.#kept).set(fitCalibration(answers));
  }

  async #validate(): Promise<Validation['accuracies']> {
    const { iteration } = this.#state;
    const accuracies = await this.#shared.during(this.#kept, async () => {
      await this.#fitMirroring();
      return validationAccuracies(this.#paused);
    });
    this.#state = { ...this.#state, validation: { iteration, accuracies } };
    return accuracies;
  }

  async save(): Promise<void> {
    await this.#folder.saveState(this.#state, this.#identity);
    await writeAtomically(this.#folder.checkpointPath, this.checkpoint());
  }

  checkpoint(): Uint8Array {
    const configuration = this.#configuration;
    const { iteration, seconds, validation } = this.#state;
    return encodeCheckpoint({
      id: configuration.name,
      configuration: configuration.model,
      parameters: this.#layout.unpack(this.#kept),
      genotypes: this.#state.genotypes,
      training: {
        configuration,
        iterations: iteration,
        seconds: Math.round(seconds),
        commit: commit(),
        validation: validation ?? null,
        ...engineEntry(this.#engine),
      },
    });
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #step(): Promise<IterationMetrics> {
    const { iteration } = this.#state;
    const started = performance.now();
    const { stage, progress, position, first, last } = stageAt(this.#configuration, iteration);
    if (first) await this.#enterStage(stage);
    const { reconstructionWeight, pathDropout, gradientClip } = this.#configuration;
    const payload = {
      iteration,
      stage,
      temperature: temperatureAt(stage, progress),
      everyStep: position < stage.multiStepIterations,
      training: { reconstructionWeight, pathDropout },
      genotypes: this.#state.genotypes,
    };
    const results = await metaBatchGradients(this.#pool, this.#configuration, payload);
    const gradient = this.#gradient;
    meanInto(gradient, this.#gradients.slice(0, results.length));
    const norm = normOf(gradient);
    checkFinite({ iteration, seed: this.#configuration.seed, results, gradients: this.#gradients, norm });
    if (norm > gradientClip)
      for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i]! * gradientClip) / norm;
    const rates = this.#learningRates(stage, progress);
    const { parameters } = this.#state;
    const adam = adamUpdate(this.#state.adam, parameters, gradient, rates);
    const average = this.#averaged(position);
    this.#shared.set(parameters);
    const seconds = (performance.now() - started) / 1000;
    this.#state = {
      ...this.#state,
      iteration: iteration + 1,
      adam,
      ...(average ? { average } : {}),
      seconds: this.#state.seconds + seconds,
    };
    if (last && iteration + 1 < totalIterations(this.#configuration))
      await this.#folder.keepStage(this.#state, this.#identity);
    return metricsOf(results, {
      iteration: iteration + 1,
      stage: stage.stage,
      gradientNorm: norm,
      seconds,
      workers: this.#configuration.workers,
    });
  }

  /** The running average with the present parameters, where the run has one; `steps` is how many there were before. */
  #averaged(steps: number): Float32Array | undefined {
    const { averaging: decay } = this.#configuration;
    if (decay === 0) return undefined;
    const { parameters, average: before } = this.#state;
    if (!before) return parameters.slice();
    average(before, parameters, { decay, steps });
    return before;
  }

  /** The parameters that are validated and kept as the checkpoint. */
  get #kept(): Float32Array {
    return this.#state.average ?? this.#state.parameters;
  }

  #learningRates(
    { stage, encoder, learningRate: [from, to] }: StageConfiguration,
    progress: number,
  ): Float32Array {
    const { controllerLearningRate, ownLearningRates } = this.#configuration;
    const outer = from + (to - from) * progress;
    const own: Partial<Record<ParameterGroup, number | undefined>> = {
      ...ownLearningRates,
      controller: stage === 'retrain' ? 0 : controllerLearningRate,
      ...(encoder === 'fixed' ? { encoder: 0 } : {}),
    };
    return this.#layout.perGroup((group) => own[group] ?? outer, this.#rates);
  }

  /** Settles the architectures before the children are trained; draws new meta-weights where the stage says so. */
  async #enterStage(entered: StageConfiguration): Promise<void> {
    const { stage, reinitialize } = entered;
    const searched = this.#configuration.model.network.kind === 'cells';
    const { iteration, genotypes } = this.#state;
    if (searched && stage === 'retrain' && genotypes.length === 0) await this.#settleGenotypes(iteration);
    if (!reinitialize) return;
    this.#state = reinitializedState(this.#configuration, entered, this.#state);
    this.#shared.set(this.#state.parameters);
  }

  /** The architectures that stand for those of training tasks: what the children are trained and served as. */
  async #settleGenotypes(iteration: number): Promise<void> {
    const drawn = await drawArchitectures(this.#paused);
    const { model } = this.#configuration;
    const { genotypes, ...choice } = chooseGenotypes(drawn, model, this.#configuration);
    const line = { iteration: iteration + 1, ...choice, genotypes: genotypes.map(genotypeKey) };
    await this.#folder.appendMetrics([line]);
    this.#state = { ...this.#state, genotypes };
  }

  get #paused(): PausedRun {
    return {
      pool: this.#pool,
      configuration: this.#configuration,
      domains: this.#domains,
      state: this.#state,
    };
  }
}
