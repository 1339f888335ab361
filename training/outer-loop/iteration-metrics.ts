import type { GradientResult } from './gradient-job.ts';

/** One line of a run's metrics: means over the tasks of an iteration. */
export interface IterationMetrics {
  readonly iteration: number;
  readonly stage: string;
  /** Of the meta-batch. */
  readonly tasks: number;
  readonly loss: number;
  readonly accuracy: number;
  /** Of the support set, before the first and before the last inner step; null where a stage has none. */
  readonly supportBefore: number | null;
  readonly supportAfter: number | null;
  readonly reconstruction: number;
  readonly gradientNorm: number;
  /** How many different genotypes the tasks have; 0 for a network that is not searched. */
  readonly distinctGenotypes: number;
  readonly seconds: number;
  /** Worker threads: seconds times workers are the core-seconds of the iteration. */
  readonly workers: number;
  /** Where more machines than one take part. */
  readonly cluster?: ClusterMetrics;
}

/** Who computed an iteration, and what went over the network for it. */
export interface ClusterMetrics {
  /** Machines whose sums were used, this one among them where it computed any. */
  readonly hosts: number;
  /** Parts of the meta-batch, and those that another machine computed. */
  readonly parts: number;
  readonly away: number;
  /** Parts that were given to a second machine, since the first one was late. */
  readonly again: number;
  /** Bytes of parameters that other machines fetched, and of sums that came from them. */
  readonly fetched: number;
  readonly sums: number;
}

/** The figures of the tasks of iteration `iteration` (1-based). */
export function metricsOf(
  results: readonly GradientResult[],
  outer: Pick<IterationMetrics, 'iteration' | 'stage' | 'gradientNorm' | 'seconds' | 'workers'>,
): IterationMetrics {
  const average = (of: (result: GradientResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0) / results.length;
  const averageFit = (of: (result: GradientResult) => number | null): number | null =>
    results.some((result) => of(result) === null) ? null : average((result) => of(result)!);
  return {
    iteration: outer.iteration,
    stage: outer.stage,
    tasks: results.length,
    loss: average(({ loss }) => loss),
    accuracy: average(({ accuracy }) => accuracy),
    supportBefore: averageFit(({ supportBefore }) => supportBefore),
    supportAfter: averageFit(({ supportAfter }) => supportAfter),
    reconstruction: average(({ reconstruction }) => reconstruction),
    gradientNorm: outer.gradientNorm,
    distinctGenotypes: new Set(results.flatMap(({ genotype }) => genotype ?? [])).size,
    seconds: outer.seconds,
    workers: outer.workers,
  };
}
