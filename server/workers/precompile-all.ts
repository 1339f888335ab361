import type { Logger } from 'pino';
import { PoolClosedError } from '../../engine/errors.ts';
import type { Readiness } from '../ports.ts';
import type { ImagesFile } from './load-checkpoints.ts';
import type { ServerPool } from './pool-adapter.ts';

/**
 * Compiles the architectures of a checkpoint of images, one short job after another, in one half of the workers that adapt
 * and then in the other: a request that comes before the service is ready finds a worker.
 * @param adapting how many workers there are beside those for urgent jobs
 */
export async function precompileAll(
  pool: ServerPool,
  adapting: number,
  { id: checkpoint, genotypes }: ImagesFile,
  readiness: Readonly<Readiness>,
  logger: Logger,
): Promise<void> {
  const compile = async (worker: number) => {
    for (let genotypeIndex = 0; genotypeIndex < genotypes && !readiness.draining; genotypeIndex++)
      await pool.run('precompile', { checkpoint, genotypeIndex }, { worker, admitted: true });
  };
  const workers = Array.from({ length: adapting }, (_, worker) => worker);
  const half = Math.ceil(workers.length / 2);
  try {
    for (const some of [workers.slice(0, half), workers.slice(half)]) await Promise.all(some.map(compile));
  } catch (error) {
    if (error instanceof PoolClosedError) return; // the service stopped meanwhile
    logger.warn({ err: error }, 'architectures could not be compiled ahead of requests');
  }
}
