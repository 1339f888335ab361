import type { WorkerPool } from '../../engine/pool.ts';
import type { RunFolder } from './run-folder.ts';

/** What a trainer tells while it runs: `M` is of one iteration, `V` of held-out tasks. */
export interface RunEvents<M, V> {
  /** What runs the graphs, in words. */
  readonly started?: (engine: string) => void;
  /** `compiled`: the iteration had graphs compiled, so that its time says nothing of the next ones. */
  readonly iteration?: (metrics: M, step: { readonly compiled: boolean }) => void;
  readonly validation?: (iteration: number, validation: V) => void;
}

/** What is a trainer's own in its loop. */
export interface RunSteps<M extends { readonly iteration: number }, V> {
  readonly pool: Pick<WorkerPool, 'ready' | 'stats'>;
  readonly folder: RunFolder;
  /** Iterations that are done. */
  readonly iteration: () => number;
  readonly step: () => Promise<M>;
  readonly validate: () => Promise<V>;
  readonly save: () => Promise<void>;
}

export interface RunLimits {
  /** Exclusive. */
  readonly until: number;
  readonly validateEvery: number;
  readonly saveMinutes: number;
  readonly signal: AbortSignal | undefined;
}

/** Steps until the end or the signal; writes metrics and validations, saves every few minutes and at the end. */
export async function runLoop<M extends { readonly iteration: number }, V>(
  { pool, folder, iteration, step, validate, save }: RunSteps<M, V>,
  { until, validateEvery, saveMinutes, signal }: RunLimits,
  events: RunEvents<M, V>,
): Promise<void> {
  const [engine] = await pool.ready();
  events.started?.(engine!);
  let saved = performance.now();
  while (iteration() < until && !signal?.aborted) {
    const { sessions } = pool.stats;
    const metrics = await step();
    await folder.appendMetrics([metrics]);
    events.iteration?.(metrics, { compiled: pool.stats.sessions > sessions });
    if (metrics.iteration % validateEvery === 0) {
      const validation = await validate();
      await folder.appendMetrics([{ iteration: metrics.iteration, validation }]);
      events.validation?.(metrics.iteration, validation);
    }
    if (performance.now() - saved > saveMinutes * 60_000) {
      await save();
      saved = performance.now();
    }
  }
  await save();
}
