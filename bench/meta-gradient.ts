import { WorkerPool } from '../engine/pool.ts';
import { median } from './median.ts';
import type { BenchJobs, Measurement, MeasureRequest } from './jobs.ts';
import type { Workload } from './workload.ts';

export interface MetaGradientResult {
  /** Median duration of a task in one worker of one thread, the others idle. */
  readonly msPerTask: number;
  /** Tasks a second of all workers together. */
  readonly tasksPerSecond: number;
  /** Number of weights that the inner loop adapts. */
  readonly weights: number;
}

export interface MeasurementPlan {
  /** Worker threads with one-thread sessions; one a core. */
  readonly workers: number;
  /** Length of each of the two measurements. */
  readonly seconds: number;
}

/** Runs before the clock starts: they compile the graphs and get the memory from the system. */
const warmUpTasks = 3;

/** Times the exact second-order meta-gradient of one task: one worker alone, then all workers at once. */
export async function benchMetaGradient(
  workload: Workload,
  { workers, seconds }: MeasurementPlan,
): Promise<MetaGradientResult> {
  const pool = new WorkerPool<BenchJobs>({
    workers,
    queueLimit: 0,
    jobs: new URL('./jobs.ts', import.meta.url),
    engine: { provider: 'cpu', threads: 1, cacheSize: 8, memoryPattern: false },
  });
  const measure = (request: MeasureRequest, worker: number): Promise<Measurement> =>
    pool.run('measure', request, { worker });
  const all = (length: number): Promise<Measurement[]> =>
    Promise.all(
      Array.from({ length: workers }, (_, worker) => measure({ workload, seconds: length }, worker)),
    );
  try {
    await pool.ready();
    for (let i = 0; i < warmUpTasks; i++) await all(0);
    const alone = await measure({ workload, seconds }, 0);
    const together = await all(seconds);
    const rates = together.map(
      ({ tasks }) => (tasks.length * 1000) / tasks.reduce((total, task) => total + task, 0),
    );
    return {
      msPerTask: median(alone.tasks),
      tasksPerSecond: rates.reduce((total, rate) => total + rate, 0),
      weights: alone.weights,
    };
  } finally {
    await pool.close();
  }
}
