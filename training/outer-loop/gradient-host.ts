import { mostThreads, partsOf } from '../../engine/options.ts';
import type { EngineChoice } from '../../engine/options.ts';
import { WorkerPool } from '../../engine/pool.ts';
import type { ImageDomain } from '../data/domain.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { domainData } from '../worker/worker-state.ts';
import type { TrainingWorkerData } from '../worker/worker-state.ts';
import type { TrainingConfiguration } from './configuration.ts';
import type { GradientHost } from './meta-batch.ts';
import type { OuterMemory } from './outer-loop.ts';
import type { TrainingJobs } from './training-jobs.ts';

/** A machine's part in a run: its threads, which read Θ and leave gradients on the memory that they share. */
export interface RunHost extends GradientHost {
  readonly memory: OuterMemory;
  readonly pool: WorkerPool<TrainingJobs, TrainingWorkerData>;
  readonly threads: number;
}

/** Starts the threads; they are closed with the pool. @param threads worker threads */
export function startHost(
  { model, domains: given, seed }: TrainingConfiguration,
  domains: readonly ImageDomain[] | readonly PlaneDomain[],
  memory: OuterMemory,
  { engine, threads: wanted }: { readonly engine: EngineChoice; readonly threads: number },
): RunHost {
  const threads = Math.min(wanted, mostThreads(engine));
  const workerData: TrainingWorkerData = {
    model,
    ...domainData(domains),
    weights: given.map(({ weight }) => weight),
    augmentations: given.map(({ augmentation }) => augmentation),
    seed,
    parameters: memory.parameters.vector,
    gradients: memory.gradients,
  };
  const pool = new WorkerPool<TrainingJobs, TrainingWorkerData>({
    workers: threads,
    queueLimit: 100_000,
    jobs: new URL('../jobs.ts', import.meta.url),
    engine: { ...partsOf(engine), threads: 1, cacheSize: 40, memoryPattern: false },
    workerData,
  });
  return { memory, pool, gradients: memory.gradients, seed, threads };
}
