import type { Segment } from './layout.ts';

/** What a step changes in place. */
export interface Descended {
  readonly parameters: Float32Array;
  readonly momentum: Float32Array;
  /** Running average of the parameters. */
  readonly average: Float32Array;
}

export interface DescentOptions {
  readonly rate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Decay of the running averages, of weights and statistics. */
  readonly decay: number;
}

/**
 * One step of SGD with Nesterov momentum on the mean of the halves' gradients, in the given segments alone; of statistics,
 * which the halves give in place of gradients, a step of their running average.
 */
export function descend(
  { parameters, momentum, average }: Descended,
  [first, second]: readonly Float32Array[],
  segments: readonly Segment[],
  { rate, momentum: inertia, weightDecay, decay }: DescentOptions,
): void {
  for (const { start, size, statistic, decays } of segments) {
    const shrink = decays ? weightDecay : 0;
    for (let i = start; i < start + size; i++) {
      const own = (first![i]! + second![i]!) / 2;
      if (statistic) {
        parameters[i] = decay * parameters[i]! + (1 - decay) * own;
        average[i] = parameters[i]!;
        continue;
      }
      const slope = own + shrink * parameters[i]!;
      momentum[i] = inertia * momentum[i]! + slope;
      parameters[i] = parameters[i]! - rate * (slope + inertia * momentum[i]!);
      average[i] = decay * average[i]! + (1 - decay) * parameters[i]!;
    }
  }
}
