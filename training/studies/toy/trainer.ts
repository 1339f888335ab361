import { defaultEngine } from '../../../engine/options.ts';
import type { EngineName } from '../../../engine/options.ts';
import { WorkerPool } from '../../../engine/pool.ts';
import { addInto } from '../../optimizer/kernels/vectors.ts';
import { meanOfSum } from '../../outer-loop/mean-gradient.ts';
import { OuterLoop, OuterMemory, startingState } from '../../outer-loop/outer-loop.ts';
import type { MetaBatch } from '../../outer-loop/outer-loop.ts';
import { regressionKey } from '../../../model/regression/cell.ts';
import type { RegressionGenotype } from '../../../model/regression/cell.ts';
import { finalTraining } from '../../../model/regression/mnas.ts';
import type { RegressionTraining } from '../../../model/regression/mnas.ts';
import { ParameterLayout } from '../../run/parameter-vector.ts';
import type { RunFolder } from '../../run/run-folder.ts';
import type { RunEvents } from '../../run/run-loop.ts';
import { stageAt } from '../../run/schedule.ts';
import type { StagePosition } from '../../run/schedule.ts';
import { byFrequency } from '../../report/statistics.ts';
import type { ToyConfiguration, ToyStage } from './configuration.ts';
import { byFamily, families, meanOverFamilies } from './families.ts';
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
/** An inner loop may leave the range of numbers on a rare task: so many meta-batches in a row end a run. */
const faultLimit = 10;

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
  readonly #memory: OuterMemory;
  readonly #pool: WorkerPool<ToyJobs, ToyWorkerData>;
  readonly #loop: OuterLoop<ToyStage, RegressionGenotype, ToyMetrics, Readonly<Record<Family, number>>>;

  private constructor(
    configuration: ToyConfiguration,
    folder: RunFolder,
    state: ToyState,
    engine: EngineName,
  ) {
    this.#configuration = configuration;
    this.#folder = folder;
    const layout = new ParameterLayout(specificationsOf(configuration));
    this.#memory = new OuterMemory(layout, state.parameters, shares);
    const workerData: ToyWorkerData = {
      configuration,
      parameters: this.#memory.parameters.vector,
      gradients: this.#memory.gradients,
    };
    this.#pool = new WorkerPool({
      workers: configuration.workers,
      queueLimit: 1000,
      jobs: new URL('./jobs.ts', import.meta.url),
      engine: { name: engine, provider: 'cpu', threads: 1, cacheSize: 16, memoryPattern: false },
      workerData,
    });
    const run = {
      configuration,
      folder,
      identity: toyIdentity(configuration, engine),
      state,
      memory: this.#memory,
      pool: this.#pool,
      faultLimit,
    };
    this.#loop = new OuterLoop(run, {
      enterStage: (stage) => this.#enterStage(stage),
      metaBatch: (at) => this.#metaBatch(at),
      validate: () => this.#validateAndKeepBest(),
    });
  }

  /** From new meta-weights or, exactly, from the saved state of `folder`. */
  static async start(
    configuration: ToyConfiguration,
    folder: RunFolder,
    from: 'new' | 'saved',
    engine: EngineName = defaultEngine,
  ): Promise<ToyTrainer> {
    const fresh = (): ToyState => freshState(configuration);
    const identity = toyIdentity(configuration, engine);
    const state = await startingState(folder, identity, from === 'saved' ? from : fresh);
    return new ToyTrainer(configuration, folder, state, engine);
  }

  get state(): ToyState {
    return this.#loop.state;
  }

  /** Trains until `until` (exclusive; the end by default) or until the signal; saves on the way and at the end. */
  run(events: ToyEvents = {}, until?: number, signal?: AbortSignal): Promise<void> {
    return this.#loop.run(events, until, signal);
  }

  async close(): Promise<void> {
    await this.#loop.close();
  }

  /** Mean squared error on validation tasks, by family. */
  async validate(): Promise<Record<Family, number>> {
    const results = await this.evaluate('validation', this.#configuration.validation.tasks);
    return byFamily((family) => {
      const { errors } = results[family];
      return errors.reduce((total, error) => total + error, 0) / errors.length;
    });
  }

  /**
   * Does `work` with the parameters that were best in validation, then goes back to the last ones. Null before there is a
   * validation that a row can report: of a search that is not over, none can.
   */
  async atBest<T>(work: () => Promise<T>): Promise<T | null> {
    const { best } = this.state;
    return best ? this.#memory.parameters.during(best.parameters, work) : null;
  }

  async #validateAndKeepBest(): Promise<Record<Family, number>> {
    const errors = await this.validate();
    const { iteration, parameters, genotypes, best } = this.state;
    const error = meanOverFamilies(errors);
    const decoded = this.#configuration.method.kind !== 'm-nas' || genotypes.length > 0;
    if (decoded && error < (best?.error ?? Number.POSITIVE_INFINITY))
      this.#loop.state = { ...this.state, best: { iteration, error, parameters: parameters.slice() } };
    return errors;
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
    const { iteration, genotypes } = this.state;
    const last = Math.max(0, iteration - 1); // at the end of a stage still that stage
    const stage = genotypes.length > 0 ? 'retrain' : stageAt(this.#configuration, last).stage.stage;
    return { training: { ...finalTraining, stage }, genotypes };
  }

  /** A meta-batch whose error or gradient is not finite moves nothing; the metrics show it. */
  async #metaBatch({ iteration, stage, position }: StagePosition<ToyStage>): Promise<MetaBatch<ToyMetrics>> {
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
          genotypes: this.state.genotypes,
        }),
      ),
    );
    const [first, second] = this.#memory.gradients as [Float32Array, Float32Array];
    const sum = { tasks: metaBatch, clip: gradientClip, norm: addInto(first, second) };
    const gradient = meanOfSum(first, sum);
    const { norm } = gradient;
    const error = results.reduce((sum, { errors }) => errors.reduce((a, b) => a + b, sum), 0) / metaBatch;
    const finite = Number.isFinite(norm) && Number.isFinite(error);
    return {
      gradient,
      fault: finite ? null : { values: `error ${error}, gradient norm ${norm}` },
      metrics: ({ iteration, stage, seconds }) => ({
        iteration,
        stage,
        error: finite ? error : null,
        seconds,
      }),
    };
  }

  #training({ stage, multiStepIterations }: ToyStage, position: number): RegressionTraining {
    const { reconstructionWeight, method } = this.#configuration;
    const { steps } = method.kind === 'm-nas' ? method.model.innerLoop : method.learner;
    const stepWeights = position < multiStepIterations ? Array.from({ length: steps }, () => 1 / steps) : [];
    return { stage, stepWeights, reconstructionWeight };
  }

  /** Settles the architectures before the children are trained; draws new meta-weights where the stage says so. */
  async #enterStage({ stage, reinitialize }: ToyStage): Promise<void> {
    const { method } = this.#configuration;
    if (method.kind !== 'm-nas') return;
    if (stage === 'retrain' && this.state.genotypes.length === 0) await this.#settleGenotypes();
    if (stage !== 'search') this.#forgetSearchedRates();
    if (!reinitialize) return;
    const { parameters, adam } = freshState(this.#configuration, `${this.state.iteration}`);
    const read = method.model.controller.kind === 'task-aware' ? ['controller', 'encoder'] : ['controller'];
    this.#memory.layout.copy(this.state.parameters, parameters, (group) => read.includes(group));
    this.#loop.state = { ...this.state, parameters, adam };
  }

  /**
   * Inner rates that were learned in the search are the relaxed network's: its operations weigh α < 1. On a decoded
   * cell, whose operations weigh 1, they let the inner loop of most tasks diverge, so they are learned anew.
   */
  #forgetSearchedRates(): void {
    const { iteration, parameters, adam } = this.state;
    const before = iteration > 0 ? stageAt(this.#configuration, iteration - 1).stage.stage : 'search';
    const rates = this.#memory.layout.entries.find(({ name }) => name === 'inner.rates');
    if (!rates || before !== 'search') return;
    const { start, size } = rates;
    for (const vector of [parameters, adam.first, adam.second]) vector.fill(0, start, start + size);
    this.#memory.parameters.set(parameters);
  }

  async #settleGenotypes(): Promise<void> {
    const results = await this.evaluate('genotypes', genotypeTasks);
    const decoded = families.flatMap((family) => results[family].decoded);
    const sorted = byFrequency(decoded, regressionKey);
    const line = {
      iteration: this.state.iteration + 1,
      decoded: sorted.length,
      genotypes: sorted.slice(0, 20).map(({ key, count }) => ({ key, count })),
    };
    await this.#folder.appendMetrics([line]);
    const kept = sorted.slice(0, this.#configuration.maximumGenotypes);
    this.#loop.state = { ...this.state, genotypes: kept.map(({ value }) => value) };
  }
}
