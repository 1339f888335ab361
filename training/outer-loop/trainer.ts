import { defaultEngine } from '../../engine/options.ts';
import type { EngineChoice } from '../../engine/options.ts';
import { encodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { mayMirror } from '../../model/adaptation/mirror-images.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { parameterSpecifications } from '../../model/parameters.ts';
import type { StageConfiguration, TrainingConfiguration } from './configuration.ts';
import type { ClassedDomain, ImageDomain } from '../data/domain.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { commit } from '../run/commit.ts';
import { chooseGenotypes } from './genotype-choice.ts';
import { calibrate } from './fit-calibration.ts';
import { calibrationAnswers, drawArchitectures, embeddedTasks, validationAccuracies } from './held-out.ts';
import type { PausedRun } from './held-out.ts';
import { beginningOf } from './fine-tuning.ts';
import type { Beginning } from './fine-tuning.ts';
import {
  classifiedState,
  continuedState,
  fineTunedState,
  freshState,
  reinitializedState,
} from './initial-state.ts';
import { metricsOf } from './iteration-metrics.ts';
import { fitFamiliar } from './fit-familiar.ts';
import { fitMirroring } from './fit-mirroring.ts';
import { startHost } from './gradient-host.ts';
import type { RunHost } from './gradient-host.ts';
import { meanOfSum } from './mean-gradient.ts';
import { batchPayload, faultOf, largestMetaBatch, metaBatchOf } from './meta-batch.ts';
import { requireTasks } from './require-tasks.ts';
import { OuterLoop, OuterMemory, startingState } from './outer-loop.ts';
import type { MetaBatch } from './outer-loop.ts';
import type { IterationMetrics } from './iteration-metrics.ts';
import { engineEntry, identityOf } from './run-identity.ts';
import type { RunEvents } from '../run/run-loop.ts';
import { alphaTemperatureAt, stageAt } from '../run/schedule.ts';
import type { StagePosition } from '../run/schedule.ts';
import { searchProgress } from './search-progress.ts';
import { thisMachine } from './spread.ts';
import type { Spread } from './spread.ts';
import { annealedState } from './annealing.ts';
import { partedState } from './branch.ts';
import type { EarlierRun } from './branch.ts';
import { ParameterLayout } from '../run/parameter-vector.ts';
import type { RunFolder, RunState, Validation } from '../run/run-folder.ts';

export interface TrainerEvents extends RunEvents<IterationMetrics, Validation['accuracies']> {
  /** The last iteration is done: what has no gradient is fitted. */
  readonly fitting?: () => void;
}

/** The state that a run begins with where it begins with a checkpoint. */
const begin: Readonly<
  Record<Beginning, (configuration: TrainingConfiguration, checkpoint: Checkpoint) => RunState>
> = { classified: classifiedState, unfinished: continuedState, 'fine-tuned': fineTunedState };

/**
 * Meta-training (Algorithm 1) over the cores of one machine, or of more where `spread` says so; a pure function of
 * configuration, data and engine.
 */
export class Trainer {
  readonly #configuration: TrainingConfiguration;
  readonly #folder: RunFolder;
  readonly #engine: EngineChoice;
  readonly #domains: readonly ClassedDomain[];
  readonly #memory: OuterMemory;
  readonly #host: RunHost;
  readonly #loop: OuterLoop<StageConfiguration, Genotype, IterationMetrics, Validation['accuracies']>;
  readonly #spread: Spread;

  private constructor(
    configuration: TrainingConfiguration,
    domains: readonly ImageDomain[] | readonly PlaneDomain[],
    folder: RunFolder,
    state: RunState,
    engine: EngineChoice,
    spread: Spread,
  ) {
    this.#configuration = configuration;
    this.#folder = folder;
    this.#engine = engine;
    this.#spread = spread;
    this.#domains = domains;
    const layout = new ParameterLayout(parameterSpecifications(configuration.model));
    this.#memory = new OuterMemory(layout, state.parameters, largestMetaBatch(configuration));
    this.#host = startHost(configuration, domains, this.#memory, { engine, threads: configuration.workers });
    const run = {
      configuration,
      folder,
      identity: identityOf(configuration, domains, engine),
      state,
      memory: this.#memory,
      pool: this.#host.pool,
      faultLimit: 1,
    };
    this.#loop = new OuterLoop(run, {
      enterStage: (stage) => this.#enterStage(stage),
      metaBatch: (at) => this.#metaBatch(at),
      validate: () => this.#validate(),
      checkpoint: () => this.checkpoint(),
    });
  }

  /**
   * From new meta-weights, from the saved state of `folder` (exactly), from where it parts from another run (exactly, see
   * partedState), or from a checkpoint (see beginningOf). All but the second destroy a saved state: ask
   * `folder.refuseToOverwrite` before.
   * @param spread who computes the gradients of a meta-batch; this machine by default
   * @throws Error when a stage has no training tasks, or `from` does not fit
   */
  static async start(
    configuration: TrainingConfiguration,
    domains: readonly ImageDomain[] | readonly PlaneDomain[],
    folder: RunFolder,
    from: 'new' | 'saved' | Checkpoint | EarlierRun,
    engine: EngineChoice = defaultEngine,
    spread: Spread = thisMachine,
  ): Promise<Trainer> {
    const fresh = (): RunState | Promise<RunState> => {
      if (from === 'new' || from === 'saved') return freshState(configuration);
      if ('folder' in from) return partedState(configuration, from, folder, domains, engine);
      return begin[beginningOf(configuration, from)](configuration, from);
    };
    requireTasks(configuration, domains);
    const identity = identityOf(configuration, domains, engine);
    const state = await startingState(folder, identity, from === 'saved' ? from : fresh);
    return new Trainer(configuration, domains, folder, state, engine, spread);
  }

  get iteration(): number {
    return this.#loop.state.iteration;
  }

  /** Trains until `until` (exclusive; the end by default) or until the signal; saves on the way and at the end. */
  async run(events: TrainerEvents = {}, until?: number, signal?: AbortSignal): Promise<void> {
    await this.#loop.run(events, until, signal);
    if (!this.#loop.done) return;
    events.fitting?.();
    await this.#calibrate();
    await this.#loop.save();
  }

  /** The bytes of the checkpoint as it is now. */
  checkpoint(): Uint8Array {
    const configuration = this.#configuration;
    const { iteration, seconds, validation, genotypes } = this.#loop.state;
    return encodeCheckpoint({
      id: configuration.name,
      configuration: configuration.model,
      parameters: this.#memory.layout.unpack(this.#loop.kept),
      genotypes,
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
    await this.#loop.close();
  }

  async #metaBatch(at: StagePosition<StageConfiguration>): Promise<MetaBatch<IterationMetrics>> {
    const { gradientClip } = this.#configuration;
    const payload = batchPayload(this.#configuration, at, this.#loop.state.genotypes);
    const tasks = metaBatchOf(this.#configuration, at.stage);
    const { results, ...told } = await this.#spread(this.#host, payload, tasks);
    const gradient = meanOfSum(this.#host.gradients[0]!, { tasks, clip: gradientClip });
    const fault = faultOf(results, gradient.norm);
    return { gradient, fault, metrics: (step) => ({ ...metricsOf(results, step), ...told }) };
  }

  /**
   * Keeps the temperature of an annealed search; settles the architectures before the children are trained; draws new
   * meta-weights where the stage says so.
   */
  async #enterStage(entered: StageConfiguration): Promise<void> {
    const { stage, reinitialize } = entered;
    const searched = this.#configuration.model.network.kind === 'cells';
    if (searched && stage !== 'search')
      this.#loop.state = annealedState(this.#configuration, this.#loop.state);
    if (searched && stage === 'retrain' && this.#loop.state.genotypes.length === 0)
      await this.#settleGenotypes();
    if (!reinitialize) return;
    this.#loop.state = reinitializedState(this.#configuration, entered, this.#loop.state);
  }

  /** The architectures that stand for those of training tasks: what the children are trained and served as. */
  async #settleGenotypes(): Promise<void> {
    const drawn = await drawArchitectures(this.#paused);
    const { state } = this.#loop;
    const { genotypes, ...choice } = chooseGenotypes(drawn, this.#configuration.model, this.#configuration);
    const line = { iteration: state.iteration + 1, ...choice, genotypes: genotypes.map(genotypeKey) };
    await this.#folder.appendMetrics([line]);
    this.#loop.state = { ...state, genotypes };
  }

  /** A search also tells how far it has decided, and what decoding it now would cost. */
  async #validate(): Promise<Validation['accuracies']> {
    const { state } = this.#loop;
    const { stage, progress } = stageAt(this.#configuration, state.iteration - 1);
    const [accuracies, search] = await this.#memory.parameters.during(this.#loop.kept, async () => {
      await this.#fitMirroring();
      if (stage.stage !== 'search') return [await validationAccuracies(this.#paused), null];
      const alphaTemperature = alphaTemperatureAt(stage, progress);
      const relaxed = { stage: stage.stage, alphaTemperature };
      return [
        await validationAccuracies(this.#paused, relaxed),
        await searchProgress(this.#paused, alphaTemperature),
      ];
    });
    if (search) await this.#folder.appendMetrics([{ iteration: state.iteration, search }]);
    this.#loop.state = { ...state, validation: { iteration: state.iteration, accuracies } };
    return accuracies;
  }

  /**
   * At the end of a run: probabilities that mean what they say, by a temperature fitted on validation tasks. Without such
   * tasks it stays as it is.
   */
  async #calibrate(): Promise<void> {
    const { start, size } = this.#memory.layout.entries.find(({ group }) => group === 'calibration')!;
    const { kept } = this.#loop;
    await calibrate(kept.subarray(start, start + size), () =>
      this.#memory.parameters.during(kept, async () => {
        await this.#fitMirroring();
        await this.#fitFamiliar();
        return calibrationAnswers(this.#paused);
      }),
    );
  }

  /** Which tasks are mirrored, where the model mirrors: in the parameters and in what is kept, for it has no gradient. */
  async #fitMirroring(): Promise<void> {
    const { model, stages } = this.#configuration;
    // a run that only chooses leaves all else as it is
    if (!model.mirroring || stages.every(({ stage }) => stage === 'choose')) return;
    const tasks = await embeddedTasks(this.#paused, (size) => mayMirror(model, size));
    if (tasks.length === 0) return; // no shape has few enough shots to be mirrored
    this.#keep('mirroring', fitMirroring(tasks));
  }

  /** At the end of a run that has taught the controller to choose: for which kinds of images it has. */
  async #fitFamiliar(): Promise<void> {
    const { model, stages } = this.#configuration;
    const { kinds } = model.controller;
    if (kinds === undefined || stages.at(-1)!.stage !== 'choose') return;
    const { center, inverse } = fitFamiliar(await embeddedTasks(this.#paused), kinds);
    this.#keep('familiar.center', center);
    this.#keep('familiar.inverse', inverse);
  }

  /** What is fitted and has no gradient: in the parameters, in what is kept, and where the workers read. */
  #keep(parameter: string, values: Float32Array): void {
    const { start, size } = this.#memory.layout.entries.find(({ name }) => name === parameter)!;
    const { state, kept } = this.#loop;
    for (const vector of [state.parameters, kept, this.#memory.parameters.vector])
      vector.subarray(start, start + size).set(values);
  }

  get #paused(): PausedRun {
    return {
      pool: this.#host.pool,
      configuration: this.#configuration,
      domains: this.#domains,
      state: this.#loop.state,
    };
  }
}
