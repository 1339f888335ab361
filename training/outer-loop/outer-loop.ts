import type { WorkerPool } from '../../engine/pool.ts';
import { adamUpdate } from '../optimizer/adam.ts';
import { average } from '../run/averaging.ts';
import { DivergenceGuard } from '../run/divergence.ts';
import type { Fault } from '../run/divergence.ts';
import { SharedParameters, sharedVector } from '../run/parameter-vector.ts';
import type { ParameterLayout } from '../run/parameter-vector.ts';
import type { RunFolder, RunState } from '../run/run-folder.ts';
import { runLoop } from '../run/run-loop.ts';
import type { RunEvents } from '../run/run-loop.ts';
import { learningRateAt, stageAt, totalIterations } from '../run/schedule.ts';
import type { OwnRates, StagePosition, TrainedStage } from '../run/schedule.ts';
import { writeAtomically } from '../run/write-atomically.ts';
import type { MeanGradient } from './mean-gradient.ts';

/** What the outer loop reads of a run's configuration. */
export interface OuterConfiguration<S extends TrainedStage> extends OwnRates {
  readonly seed: number;
  readonly stages: readonly S[];
  /** Decay of the running average of Θ; 0 or absent: none is kept. */
  readonly averaging?: number;
  readonly validation: { readonly every: number };
  readonly checkpointMinutes: number;
  readonly workers: number;
}

/** What a meta-batch gives its outer step. */
export interface MetaBatch<M> {
  readonly gradient: MeanGradient;
  /** Null where losses and gradient are finite. */
  readonly fault: Fault | null;
  /** The line that is told of the step. */
  readonly metrics: (step: OuterStep) => M;
}

/** What the outer loop knows of a step that is done. */
export interface OuterStep {
  /** Steps that are done. */
  readonly iteration: number;
  readonly stage: string;
  readonly gradientNorm: number;
  readonly seconds: number;
  readonly workers: number;
}

/** What is a trainer's own. `S` is a stage, `M` a line of metrics, `V` what a validation tells. */
export interface OwnSteps<S extends TrainedStage, M, V> {
  /** Called before the first step of a stage. */
  readonly enterStage: (stage: S) => Promise<void>;
  /** Has the workers leave their gradients on the run's memory (Algorithm 1, lines 3 to 8), and reduces them. */
  readonly metaBatch: (at: StagePosition<S>) => Promise<MetaBatch<M>>;
  readonly validate: () => Promise<V>;
  /** The bytes of the checkpoint that is kept beside each saved state; absent: none is. */
  readonly checkpoint?: () => Uint8Array;
}

/** Vectors that the threads of a run share, made once. */
export class OuterMemory {
  readonly layout: ParameterLayout;
  /** Θ, as the workers read it. */
  readonly parameters: SharedParameters;
  /** Where the workers leave what they compute. */
  readonly gradients: readonly Float32Array[];

  constructor(layout: ParameterLayout, parameters: Float32Array, gradients: number) {
    this.layout = layout;
    this.parameters = new SharedParameters(parameters);
    this.gradients = Array.from({ length: gradients }, () => sharedVector(layout.length));
  }
}

/** What a run is made of: its configuration, where it is kept and what computes it. */
export interface OuterRun<S extends TrainedStage, G> {
  readonly configuration: OuterConfiguration<S>;
  readonly folder: RunFolder;
  /** What a run must share with the one that it resumes. */
  readonly identity: string;
  readonly state: RunState<G>;
  readonly memory: OuterMemory;
  readonly pool: Pick<WorkerPool, 'ready' | 'stats' | 'close'>;
  /** Iterations without a finite gradient, one after another, that end the run. Before that, they move nothing. */
  readonly faultLimit: number;
}

/**
 * The state in which a run begins: the saved one of `folder`, exactly, or a fresh one, which destroys a saved one. Lines
 * of metrics of later iterations are dropped.
 * @throws Error when there is no saved state, or when it is of a run of another identity
 */
export async function startingState<G>(
  folder: RunFolder,
  identity: string,
  from: 'saved' | (() => RunState<G> | Promise<RunState<G>>),
): Promise<RunState<G>> {
  const state = from === 'saved' ? await folder.loadState<G>(identity) : await from();
  await (from === 'saved' ? folder.trimMetrics(state.iteration) : folder.begin(state.iteration));
  return state;
}

/**
 * Algorithm 1, lines 2 to 9, for any trainer: it steps through the stages, moves Θ by Adam, validates and saves. A run
 * is a pure function of what it is given, for any number of workers. `G` is a genotype.
 */
export class OuterLoop<S extends TrainedStage, G, M extends { readonly iteration: number }, V> {
  readonly #run: OuterRun<S, G>;
  readonly #own: OwnSteps<S, M, V>;
  readonly #guard: DivergenceGuard;
  readonly #rates: Float32Array;
  #state: RunState<G>;

  constructor(run: OuterRun<S, G>, own: OwnSteps<S, M, V>) {
    this.#run = run;
    this.#own = own;
    this.#guard = new DivergenceGuard(run.configuration.seed, run.faultLimit);
    this.#rates = new Float32Array(run.memory.layout.length);
    this.#state = run.state;
  }

  get state(): RunState<G> {
    return this.#state;
  }

  /** Between two steps: the run goes on from this state, whose parameters the workers read from now on. */
  set state(state: RunState<G>) {
    this.#state = state;
    this.#run.memory.parameters.set(state.parameters);
  }

  /** The parameters that are validated and kept as the checkpoint: the running average, where the run has one. */
  get kept(): Float32Array {
    return this.#state.average ?? this.#state.parameters;
  }

  /** Whether the last stage has ended. */
  get done(): boolean {
    return this.#state.iteration >= totalIterations(this.#run.configuration);
  }

  /** Trains until `until` (exclusive; the end by default) or until the signal; saves on the way and at the end. */
  async run(
    events: RunEvents<M, V> = {},
    until = totalIterations(this.#run.configuration),
    signal?: AbortSignal,
  ): Promise<void> {
    const { pool, folder, configuration } = this.#run;
    const { validation, checkpointMinutes } = configuration;
    const steps = {
      pool,
      folder,
      iteration: () => this.#state.iteration,
      step: () => this.#step(),
      validate: () => this.#own.validate(),
      save: () => this.save(),
    };
    const limits = { until, validateEvery: validation.every, saveMinutes: checkpointMinutes, signal };
    await runLoop(steps, limits, events);
  }

  /** Keeps the state, and beside it the checkpoint. */
  async save(): Promise<void> {
    const { folder, identity } = this.#run;
    await folder.saveState(this.#state, identity);
    if (this.#own.checkpoint) await writeAtomically(folder.checkpointPath, this.#own.checkpoint());
  }

  async close(): Promise<void> {
    await this.#run.pool.close();
  }

  async #step(): Promise<M> {
    const started = performance.now();
    const { configuration, folder, identity } = this.#run;
    const { iteration } = this.#state;
    const at = stageAt(configuration, iteration);
    if (at.first) await this.#own.enterStage(at.stage);
    const { gradient, fault, metrics } = await this.#own.metaBatch(at);
    this.#guard.note(iteration, fault);
    if (!fault) this.#descend(gradient, at);
    const seconds = (performance.now() - started) / 1000;
    this.#state = { ...this.#state, iteration: iteration + 1, seconds: this.#state.seconds + seconds };
    if (at.last && !this.done) await folder.keepStage(this.#state, identity);
    const { workers } = configuration;
    const { stage } = at.stage;
    return metrics({ iteration: iteration + 1, stage, gradientNorm: gradient.norm, seconds, workers });
  }

  /** Line 9: one step of Adam with the rates of the stage, and one of the running average. */
  #descend({ vector, scale }: MeanGradient, { stage, progress, position }: StagePosition<S>): void {
    const { memory, configuration } = this.#run;
    const { averaging: decay = 0 } = configuration;
    const rates = memory.layout.perGroup(
      (group) => learningRateAt(group, stage, progress, configuration),
      this.#rates,
    );
    const { parameters, average: before } = this.#state;
    const adam = adamUpdate(this.#state.adam, parameters, vector, rates, scale);
    if (decay > 0 && before) average(before, parameters, { decay, steps: position });
    const begun = decay > 0 && !before ? { average: parameters.slice() } : {};
    this.state = { ...this.#state, ...begun, adam };
  }
}
