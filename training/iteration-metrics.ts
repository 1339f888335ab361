import type { GradientResult } from './jobs.ts';

/** One line of a run's metrics: means over the tasks of an iteration. */
export interface IterationMetrics {
  readonly iteration: number;
  readonly stage: string;
  readonly loss: number;
  readonly accuracy: number;
  readonly supportBefore: number;
  readonly supportAfter: number;
  readonly reconstruction: number;
  readonly gradientNorm: number;
  readonly genotypes: number;
  readonly seconds: number;
  /** Worker threads: seconds times workers are the core-seconds of the iteration. */
  readonly workers: number;
}

/** The figures of the tasks of iteration `iteration` (1-based). */
export function metricsOf(
  results: readonly GradientResult[],
  outer: Pick<IterationMetrics, 'iteration' | 'stage' | 'gradientNorm' | 'seconds' | 'workers'>,
): IterationMetrics {
  const average = (of: (result: GradientResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0) / results.length;
  return {
    iteration: outer.iteration,
    stage: outer.stage,
    loss: average(({ loss }) => loss),
    accuracy: average(({ accuracy }) => accuracy),
    supportBefore: average(({ supportBefore }) => supportBefore),
    supportAfter: average(({ supportAfter }) => supportAfter),
    reconstruction: average(({ reconstruction }) => reconstruction),
    gradientNorm: outer.gradientNorm,
    genotypes: new Set(results.flatMap(({ genotype }) => genotype ?? [])).size,
    seconds: outer.seconds,
    workers: outer.workers,
  };
}
