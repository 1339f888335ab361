import type { JobContext, JobTable } from '../engine/jobs.ts';
import { networkTasks } from './networks.ts';
import type { MetaGradientTask } from './networks.ts';
import { runBareLoop } from './serve/bare.ts';
import type { BareJobs } from './serve/bare.ts';
import type { Workload } from './workload.ts';

export interface MeasureRequest {
  readonly workload: Workload;
  /** Tasks are run until so many seconds are over, at least one. */
  readonly seconds: number;
}

/** Durations of single tasks in milliseconds, and the number of adapted weights. */
export interface Measurement {
  readonly tasks: readonly number[];
  readonly weights: number;
}

/** The task that this worker ran last: made once, measured often. */
let prepared: { readonly key: string; readonly task: MetaGradientTask } | undefined;

function taskOf(workload: Workload, { executor }: JobContext): MetaGradientTask {
  const key = JSON.stringify(workload);
  if (prepared?.key !== key) prepared = { key, task: networkTasks[workload.network](workload, executor) };
  return prepared.task;
}

async function measure({ workload, seconds }: MeasureRequest, context: JobContext): Promise<Measurement> {
  const task = taskOf(workload, context);
  const tasks: number[] = [];
  const start = performance.now();
  let now = start;
  while (tasks.length === 0 || now - start < seconds * 1000) {
    await task.run();
    const end = performance.now();
    tasks.push(end - now);
    now = end;
  }
  return { tasks, weights: task.weights };
}

/** The jobs of the benches' workers. */
export interface BenchJobs extends BareJobs {
  measure(request: MeasureRequest): Measurement;
}

export const jobs: JobTable<BenchJobs> = { measure, bare: runBareLoop };
