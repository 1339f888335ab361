import { deserialize, serialize } from 'node:v8';
import type { Redis } from 'ioredis';
import { ServiceError } from '../errors/errors.ts';
import type { AdaptationReport } from '../ports.ts';
import type { JobOutline } from './job.ts';
import { names, orderSeconds, outcomeSeconds } from './names.ts';

/** An error of the catalogue as it crosses processes. */
type StoredError = Pick<ServiceError, 'code' | 'message' | 'part' | 'pointer' | 'shortfalls' | 'headers'>;

/** The result of a run whose task was there already. */
export const foundTask = 'found';

/** How a run ended, and all that was told of it. */
export interface Outcome {
  readonly outline: JobOutline;
  readonly events: readonly AdaptationReport[];
  /** of a task nothing beside what its storage has, or `foundTask` */
  readonly result?: unknown;
  readonly error?: StoredError;
}

export const storedError = (error: ServiceError): StoredError => {
  const { code, message, part, pointer, shortfalls, headers } = error;
  return { code, message, part, pointer, shortfalls, headers };
};

export const errorOf = ({ code, message, part, pointer, shortfalls, headers }: StoredError): ServiceError =>
  new ServiceError(code, {
    detail: message,
    headers,
    ...(part && { part }),
    ...(pointer !== undefined && { pointer }),
    ...(shortfalls && { shortfalls }),
  });

/** Tells everybody how a run ended, and lets go of what it was made of. */
export async function putOutcome(
  client: Redis,
  { jobId, run }: { readonly jobId: string; readonly run: string },
  outcome: Outcome,
): Promise<void> {
  await client
    .multi()
    .set(names.outcome(run), serialize(outcome), 'EX', outcomeSeconds)
    .set(names.latest(jobId), run, 'EX', outcomeSeconds)
    .unlink(names.input(run), names.waiters(run))
    .exec();
}

export async function getOutcome(client: Redis, run: string): Promise<Outcome | undefined> {
  const bytes = await client.getBuffer(names.outcome(run));
  return bytes === null ? undefined : (deserialize(bytes) as Outcome);
}

/** Notes that a run was given up, for whoever works at it. */
export async function putCancelled(client: Redis, run: string, error: ServiceError): Promise<void> {
  await client.set(names.cancelled(run), serialize(storedError(error)), 'EX', orderSeconds);
}

/** Why runs were given up; undefined for those that were not. */
export async function getCancelled(
  client: Redis,
  runs: readonly string[],
): Promise<(ServiceError | undefined)[]> {
  if (runs.length === 0) return [];
  const all = await client.mgetBuffer(runs.map(names.cancelled));
  return all.map((bytes) => (bytes === null ? undefined : errorOf(deserialize(bytes) as StoredError)));
}
