import type { WorkerPool } from '../../../engine/pool.ts';
import { families } from './families.ts';
import type { Family } from './families.ts';
import type { ToyEvaluationPayload, ToyEvaluationResult, ToyJobs } from './jobs.ts';

/** Tasks of one evaluation job. */
const jobTasks = 50;

/** Held-out tasks of every family, run in parts by the pool; results are in the order of the tasks. */
export async function evaluateFamilies(
  pool: WorkerPool<ToyJobs>,
  request: Omit<ToyEvaluationPayload, 'family' | 'start' | 'count'>,
  tasks: number,
): Promise<Record<Family, ToyEvaluationResult>> {
  const entries = families.map(async (family): Promise<[Family, ToyEvaluationResult]> => {
    const jobs = Array.from({ length: Math.ceil(tasks / jobTasks) }, (_, part) => {
      const start = part * jobTasks;
      const count = Math.min(jobTasks, tasks - start);
      const payload = { ...request, family, start, count };
      return pool.run('evaluate', payload);
    });
    const parts = await Promise.all(jobs);
    return [
      family,
      {
        errors: Float32Array.from(parts.flatMap(({ errors }) => [...errors])),
        genotypes: parts.flatMap((part) => part.genotypes),
        decoded: parts.flatMap((part) => part.decoded),
        embeddings: Float32Array.from(parts.flatMap(({ embeddings }) => [...embeddings])),
      },
    ];
  });
  return Object.fromEntries(await Promise.all(entries)) as Record<Family, ToyEvaluationResult>;
}
