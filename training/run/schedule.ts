import type { Stage } from '../../model/configuration.ts';
import type { ParameterGroup } from '../../model/layers/parameter-specification.ts';

/** What the schedule needs to know of a stage. */
interface Timed {
  readonly iterations: number;
}

/** A stage whose steps have a learning rate. */
export interface TrainedStage extends Timed {
  readonly stage: Stage;
  /** ρ_outer at the start and at the end of the stage. */
  readonly learningRate: readonly [number, number];
  /** How the rate goes from one to the other; linear by default. */
  readonly schedule?: 'linear' | 'cosine';
  /** `fixed`: the encoder is not trained. */
  readonly encoder?: 'trained' | 'fixed';
}

/** Where an iteration lies in its run. */
export interface StagePosition<S> {
  /** 0-based. */
  readonly iteration: number;
  readonly stage: S;
  /** Of the iteration in the stage, 0-based. */
  readonly position: number;
  /** How far the stage is, 0..1. */
  readonly progress: number;
  readonly first: boolean;
  readonly last: boolean;
}

/** Rates of parts of Θ that do not have the stage's. */
export interface OwnRates {
  /** ρ_A, for the architecture controller. */
  readonly controllerLearningRate: number;
  /** Of other parts, all through the run. */
  readonly ownLearningRates?: Readonly<Partial<Record<ParameterGroup, number | undefined>>> | undefined;
}

/** The rate of a part of Θ in a stage that is `progress` (0..1) through; 0 for what the stage does not train. */
export function learningRateAt(
  group: ParameterGroup,
  { stage, encoder, schedule, learningRate: [from, to] }: TrainedStage,
  progress: number,
  { controllerLearningRate, ownLearningRates }: OwnRates,
): number {
  if (stage === 'choose' && group !== 'controller') return 0;
  if (group === 'controller') return stage === 'retrain' ? 0 : controllerLearningRate;
  if (group === 'encoder' && encoder === 'fixed') return 0;
  const own = ownLearningRates?.[group];
  if (own !== undefined) return own;
  const done = schedule === 'cosine' ? (1 - Math.cos(Math.PI * progress)) / 2 : progress;
  return from + (to - from) * done;
}

/** The temperature of α's softmax in a stage that is `progress` (0..1) through. */
export const alphaTemperatureAt = (
  { temperature: [from, to] }: { readonly temperature: readonly [number, number] },
  progress: number,
): number => from * (to / from) ** progress;

/** The factor of the architecture's entropy in a stage that is `progress` (0..1) through. */
export const entropyWeightAt = (
  { entropyWeight: [from, to] }: { readonly entropyWeight: readonly [number, number] },
  progress: number,
): number => from + (to - from) * progress;

/** Outer steps of all stages together. */
export const totalIterations = ({ stages }: { readonly stages: readonly Timed[] }): number =>
  stages.reduce((n, { iterations }) => n + iterations, 0);

/**
 * Where an iteration (0-based) lies.
 * @throws RangeError when it is after the last stage
 */
export function stageAt<S extends Timed>(
  { stages }: { readonly stages: readonly S[] },
  iteration: number,
): StagePosition<S> {
  let start = 0;
  for (const stage of stages) {
    const position = iteration - start;
    if (position < stage.iterations)
      return {
        iteration,
        stage,
        position,
        progress: position / stage.iterations,
        first: position === 0,
        last: position === stage.iterations - 1,
      };
    start += stage.iterations;
  }
  throw new RangeError(`iteration ${iteration} is after the last stage`);
}
