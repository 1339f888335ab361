import { defaultEngine } from '../../../../engine/options.ts';
import type { EngineName } from '../../../../engine/options.ts';
import { WorkerPool } from '../../../../engine/pool.ts';
import { calibrationSpecification } from '../../../../model/parameters.ts';
import type { Genotype } from '../../../../model/search-space/genotype.ts';
import type { ImageDomain } from '../../../data/domain.ts';
import { everyTask, stoppable, testPayload } from '../../../evaluation/evaluate-checkpoint.ts';
import type { EvaluatedSetting, EvaluationOptions } from '../../../evaluation/evaluate-checkpoint.ts';
import { settingsOf } from '../../../evaluation/settings.ts';
import type { StageConfiguration } from '../../../outer-loop/configuration.ts';
import { calibrate } from '../../../outer-loop/fit-calibration.ts';
import { calibrationAnswers, validationAccuracies } from '../../../outer-loop/held-out.ts';
import type { EvaluatedRun } from '../../../outer-loop/held-out.ts';
import { drawnState } from '../../../outer-loop/initial-state.ts';
import { metricsOf } from '../../../outer-loop/iteration-metrics.ts';
import type { IterationMetrics } from '../../../outer-loop/iteration-metrics.ts';
import { meanOfSum } from '../../../outer-loop/mean-gradient.ts';
import { computeGradients, faultOf, largestMetaBatch, metaBatchOf } from '../../../outer-loop/meta-batch.ts';
import { OuterLoop, OuterMemory, startingState } from '../../../outer-loop/outer-loop.ts';
import type { MetaBatch } from '../../../outer-loop/outer-loop.ts';
import { requireTasks } from '../../../outer-loop/require-tasks.ts';
import { identityOf } from '../../../outer-loop/run-identity.ts';
import type { TrainerEvents } from '../../../outer-loop/trainer.ts';
import { ParameterLayout } from '../../../run/parameter-vector.ts';
import type { RunFolder, RunState, Validation } from '../../../run/run-folder.ts';
import type { StagePosition } from '../../../run/schedule.ts';
import type { BaselineConfiguration } from '../configuration.ts';
import type { BaselineJobs, BaselineWorkerData } from './jobs.ts';
import { baselineSpecifications, trainedShape } from './table.ts';

/** Meta-batches without a finite gradient, one after another, that end a run: before that they move nothing. */
const faultLimit = 10;

export interface BaselineOptions {
  readonly engine?: EngineName;
  /** The architecture, one, of a new run that has searched for it. */
  readonly genotypes?: readonly Genotype[];
  /** Whether the temperature is fitted at the end, as it is by default. */
  readonly calibrates?: boolean;
}

/** Meta-training of a row that has a method of its own; a pure function of configuration, data and engine. */
export class BaselineTrainer {
  readonly #configuration: BaselineConfiguration;
  readonly #calibrates: boolean;
  readonly #domains: readonly ImageDomain[];
  readonly #memory: OuterMemory;
  readonly #pool: WorkerPool<BaselineJobs, BaselineWorkerData>;
  readonly #loop: OuterLoop<StageConfiguration, Genotype, IterationMetrics, Validation['accuracies']>;

  private constructor(
    configuration: BaselineConfiguration,
    domains: readonly ImageDomain[],
    folder: RunFolder,
    state: RunState,
    { engine, calibrates }: { readonly engine: EngineName; readonly calibrates: boolean },
  ) {
    this.#configuration = configuration;
    this.#calibrates = calibrates;
    this.#domains = domains;
    const layout = new ParameterLayout(baselineSpecifications(configuration));
    this.#memory = new OuterMemory(layout, state.parameters, largestMetaBatch(configuration));
    this.#pool = new WorkerPool({
      workers: configuration.workers,
      queueLimit: Number.MAX_SAFE_INTEGER,
      jobs: new URL('./jobs.ts', import.meta.url),
      engine: { name: engine, provider: 'cpu', threads: 1, cacheSize: 40, memoryPattern: false },
      workerData: {
        configuration,
        domains,
        parameters: this.#memory.parameters.vector,
        gradients: this.#memory.gradients,
      },
    });
    const run = {
      configuration,
      folder,
      identity: identityOf(configuration, domains, engine),
      state,
      memory: this.#memory,
      pool: this.#pool,
      faultLimit,
    };
    this.#loop = new OuterLoop(run, {
      enterStage: () => Promise.resolve(),
      metaBatch: (at) => this.#metaBatch(at),
      validate: () => this.#validate(),
    });
  }

  /**
   * From new meta-weights or, exactly, from the saved state of `folder`.
   * @throws Error when a stage has no training tasks, or the saved state is of another run
   */
  static async start(
    configuration: BaselineConfiguration,
    domains: readonly ImageDomain[],
    folder: RunFolder,
    from: 'new' | 'saved',
    { engine = defaultEngine, genotypes = [], calibrates = true }: BaselineOptions = {},
  ): Promise<BaselineTrainer> {
    const stages = configuration.stages.map((stage) => ({
      ...stage,
      shapes: stage.shapes.map((shape) => trainedShape(configuration, shape)),
    }));
    requireTasks({ stages }, domains);
    const identity = identityOf(configuration, domains, engine);
    const fresh = (): RunState =>
      drawnState(baselineSpecifications(configuration), configuration.seed, genotypes);
    const state = await startingState(folder, identity, from === 'saved' ? from : fresh);
    return new BaselineTrainer(configuration, domains, folder, state, { engine, calibrates });
  }

  /** Trains until `until` (exclusive; the end by default) or until the signal; saves on the way and at the end. */
  async run(events: TrainerEvents = {}, until?: number, signal?: AbortSignal): Promise<void> {
    await this.#loop.run(events, until, signal);
    if (!this.#loop.done || !this.#calibrates) return;
    events.fitting?.();
    await this.#calibrate();
    await this.#loop.save();
  }

  /** The trained row on test tasks, which are those of all other rows. */
  async evaluate(domains: readonly ImageDomain[], options: EvaluationOptions): Promise<EvaluatedSetting[]> {
    const { settings } = settingsOf(domains, options);
    const { genotypes } = this.#loop.state;
    return this.#memory.parameters.during(this.#loop.kept, () =>
      everyTask(settings, options, (setting, task) =>
        this.#pool.run('evaluate', { ...testPayload(setting, task, options), genotypes }, stoppable(options)),
      ),
    );
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  async #metaBatch({
    iteration,
    stage,
  }: StagePosition<StageConfiguration>): Promise<MetaBatch<IterationMetrics>> {
    const { seed, reconstructionWeight, gradientClip } = this.#configuration;
    const { gradients } = this.#memory;
    const payload = {
      iteration,
      stage,
      alphaTemperature: 1,
      entropyWeight: 0,
      training: { reconstructionWeight, pathDropout: 0 },
      genotypes: this.#loop.state.genotypes,
    };
    const tasks = metaBatchOf(this.#configuration, stage);
    const host = { pool: this.#pool, gradients, seed };
    const results = await computeGradients(host, payload, { first: 0, count: tasks });
    const gradient = meanOfSum(gradients[0]!, { tasks, clip: gradientClip });
    const fault = faultOf(results, gradient.norm);
    return { gradient, fault, metrics: (step) => metricsOf(results, step) };
  }

  async #validate(): Promise<Validation['accuracies']> {
    const accuracies = await this.#memory.parameters.during(this.#loop.kept, () =>
      validationAccuracies(this.#paused),
    );
    const { state } = this.#loop;
    this.#loop.state = { ...state, validation: { iteration: state.iteration, accuracies } };
    return accuracies;
  }

  /** At the end: probabilities that mean what they say, by a temperature fitted on validation tasks, where there are some. */
  async #calibrate(): Promise<void> {
    const { entries } = this.#memory.layout;
    const { start, size } = entries.find(({ name }) => name === calibrationSpecification.name)!;
    const { kept } = this.#loop;
    await calibrate(kept.subarray(start, start + size), () =>
      this.#memory.parameters.during(kept, () => calibrationAnswers(this.#paused)),
    );
  }

  get #paused(): EvaluatedRun {
    return {
      pool: this.#pool,
      configuration: this.#configuration,
      domains: this.#domains,
      state: this.#loop.state,
    };
  }
}
