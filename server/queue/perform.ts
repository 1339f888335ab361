import { DelayedError, UnrecoverableError, WaitingError } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { asServiceError, ServiceError } from '../errors/errors.ts';
import type { Kind, Watcher } from '../ports.ts';
import { catalogue } from '../errors/error-catalogue.ts';
import { readableTask } from '../storage/storage.ts';
import type { StoredTask, TaskStorage } from '../storage/storage.ts';
import type { TaskRecord } from '../storage/record.ts';
import type { Workplace } from '../tasks/orders.ts';
import type { Traces } from '../tracing/traces.ts';
import { isTask, outlineOf, tellsSpeed } from './job.ts';
import type { CarriedOrder, JobReturn, WorkJob } from './job.ts';
import { mostDeaths, names } from './names.ts';
import { foundTask, getCancelled, getOutcome, putOutcome, storedError } from './outcome.ts';
import { getParts } from './parts.ts';
import { ProgressTeller } from './progress-teller.ts';
import { advance } from './shares.ts';

/** What a worker needs to do a job. */
export interface Performance {
  readonly client: Redis;
  /** this process */
  readonly workplace: Workplace;
  readonly storage: Pick<TaskStorage, 'read' | 'write'>;
  /** `makerOf` this process */
  readonly maker: string;
  readonly onMade: (record: TaskRecord) => void;
  readonly traces: Pick<Traces, 'carriedOn'>;
  readonly logger: Logger;
}

/** The run is over for this worker, though not for the queue. */
export class RunEndedError extends Error {
  override readonly name = 'RunEndedError';
}

/** After which a job of another version is looked at again, when a worker of its own may be there. */
const othersMs = 2000;
/** For which it waits for one. */
const mostWaitMs = 86_400_000;

/**
 * Does a job and tells how it ended. What it throws is BullMQ's: the job goes back to the queue, later where its store or its
 * memory was not there for it, or has failed for good.
 */
export async function perform(
  parts: Performance,
  job: WorkJob,
  token: string,
  signal: AbortSignal,
): Promise<JobReturn> {
  const { client, traces, logger } = parts;
  const { run, kind, maker, cost, trace } = job.data;
  const startedAt = performance.now();
  if (maker !== parts.maker && Date.now() - job.timestamp < mostWaitMs) {
    await job.moveToDelayed(Date.now() + othersMs, token);
    throw new DelayedError();
  }
  if (await getOutcome(client, run)) return { cost, seconds: 0 }; // its worker died right after
  const told = new ProgressTeller(job);
  const end = async (how: { readonly result?: unknown; readonly error?: ServiceError }) => {
    const { error, ...rest } = how;
    const outcome = { ...rest, ...(error && { error: storedError(error) }) };
    const run = { jobId: job.id!, run: job.data.run };
    await putOutcome(client, run, { outline: outlineOf(job.data), events: told.events, ...outcome });
  };
  try {
    if (maker !== parts.maker) throw noMaker();
    if (job.stalledCounter > mostDeaths) throw deadly(job);
    const askedAt = job.attemptsStarted === 1 ? job.timestamp : undefined;
    const carried = { name: `job ${kind}`, headers: trace, askedAt, signal };
    const work = () => fulfil(parts, job, { signal, report: told.report });
    const { result, computed } = await traces.carriedOn(carried, work);
    await told.quiet();
    await end({ result });
    const isTold = computed && tellsSpeed(kind);
    return { cost, seconds: isTold ? (performance.now() - startedAt) / 1000 : 0 };
  } catch (error) {
    await told.quiet();
    if (error instanceof RunEndedError) {
      if (error.message !== 'stopping') throw error; // the job is not this worker's any more
      await job.moveToWait(token);
      throw new WaitingError();
    }
    const failure = asServiceError(error);
    if (failure.code === 'internal') logger.error({ job: job.id, err: error }, 'unexpected error');
    if (mayPass(failure) && job.attemptsMade + 1 < (job.opts.attempts ?? 1)) throw failure;
    await end({ error: failure });
    throw new UnrecoverableError(failure.code);
  }
}

/** Whether another time may have what this one lacked. */
const mayPass = ({ code }: ServiceError): boolean =>
  catalogue[code].status === 503 && code !== 'queue-unavailable' && code !== 'newer-task';

async function fulfil(
  { client, workplace, storage, onMade }: Performance,
  { data, priority, attemptsStarted }: WorkJob,
  { signal, report }: Pick<Watcher, 'signal' | 'report'>,
): Promise<{ readonly result?: unknown; readonly computed: boolean }> {
  const { run, kind, id, client: who, owned } = data;
  const [cancelled] = await getCancelled(client, [run]);
  if (cancelled) throw cancelled;
  // another run of the same task may have ended in between, or a worker that was killed before it could say so
  if (isTask(kind) && (await readableTask(storage.read(id, signal))))
    return { computed: false, ...(attemptsStarted === 1 && { result: foundTask }) };
  const order = (await getParts(client, names.input(run))) as CarriedOrder | undefined;
  if (!order) throw lostOrder();
  await advance(client, priority);
  const watcher: Watcher = { client: who, signal, report };
  switch (order.kind) {
    case 'images':
    case 'regression': {
      const made = await workplace.make(order, watcher);
      signal.throwIfAborted();
      const task = owned ? { ...made, record: { ...made.record, owned: true as const } } : made;
      await storage.write(task);
      onMade(task.record);
      return { computed: true };
    }
    case 'estimate':
      return { result: await workplace.estimate(order, watcher), computed: true };
    case 'images-evaluation': {
      const task = await evaluated(storage, order.task, 'images', signal);
      return { result: await workplace.evaluateImages({ ...order, task }, watcher), computed: true };
    }
    case 'points-evaluation': {
      const task = await evaluated(storage, order.task, 'regression', signal);
      return { result: await workplace.evaluatePoints({ ...order, task }, watcher), computed: true };
    }
  }
}

/** The task of an evaluation, which was there when that was asked for. @throws ServiceError `unknown-task` */
async function evaluated<K extends Kind>(
  storage: Performance['storage'],
  id: string,
  kind: K,
  signal: AbortSignal,
): Promise<StoredTask<Extract<TaskRecord, { readonly kind: K }>>> {
  const task = await storage.read(id, signal);
  if (!isOf(task, kind)) throw new ServiceError('unknown-task');
  return task;
}

const isOf = <K extends Kind>(
  task: StoredTask | undefined,
  kind: K,
): task is StoredTask<Extract<TaskRecord, { readonly kind: K }>> => task?.record.kind === kind;

const lostOrder = () =>
  new ServiceError('queue-unavailable', {
    detail: 'What the work was to be made of is gone. Ask for it again.',
  });

const deadly = ({ stalledCounter }: WorkJob) => new Error(`${stalledCounter} workers have died at it`);

const noMaker = () =>
  new ServiceError('not-ready', { detail: 'There is no worker of the version that the work was asked of.' });
