import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Estimated } from '../../model/accuracy/estimate.ts';
import { unlessAborted, within } from '../concurrency/in-time.ts';
import { asServiceError, ServiceError } from '../errors/errors.ts';
import type { Asker, PredictedImages, Watcher } from '../ports.ts';
import type { TaskStorage } from '../storage/storage.ts';
import type { Elsewhere } from '../tasks/elsewhere.ts';
import type {
  EstimateOrder,
  ImagesEvaluationOrder,
  MadeTask,
  PointsEvaluationOrder,
  TaskOrder,
  Workplace,
} from '../tasks/orders.ts';
import { TaskProgress } from '../tasks/progress.ts';
import type { Traces } from '../tracing/traces.ts';
import type { AskedWork } from '../workers/admission.ts';
import { cancel } from './cancel.ts';
import { contentOf } from './content.ts';
import { resultOf } from './followers.ts';
import type { Followers, Following, Run } from './followers.ts';
import { isTask, jobOf, taskJobId } from './job.ts';
import type { CarriedOrder, EvaluationOrder, JobData, JobOutline, WorkQueue } from './job.ts';
import type { Link } from './link.ts';
import { names, orderSeconds } from './names.ts';
import { errorOf, foundTask, getCancelled, getOutcome } from './outcome.ts';
import { putParts } from './parts.ts';
import type { SharedBacklog } from './shared-backlog.ts';
import { enter, leave, rebase } from './shares.ts';
import type { Waiters } from './waiters.ts';
import type { Works } from './works.ts';

/** Redis answered so lately that it is there. */
const thereMs = 250;
/** How often it is looked whether a run is over that was given up. */
const givenUpMs = 100;
/** How often work is tried again that its provider has no room for, a worker, or a store: for about an hour. */
const attempts = 64;

/** Seconds after which an order goes whose job never came. */
const uploadSeconds = 600;
/** How long a DELETE waits until a worker has stopped, and until whoever waits for the task has it. */
const stopSeconds = 5;
const endSeconds = 60;

/** What a replica puts work into the queue with. */
export interface QueueParts {
  readonly link: Link;
  readonly queue: WorkQueue;
  readonly followers: Followers;
  readonly waiters: Waiters;
  readonly backlog: SharedBacklog;
  readonly storage: Pick<TaskStorage, 'read'>;
  readonly works: Works;
  /** `makerOf` this process */
  readonly maker: string;
  /** whether tasks have owners */
  readonly owned: boolean;
  readonly traces: Pick<Traces, 'headers'>;
}

/** An order on its way into the queue. */
interface Parcel {
  readonly jobId: string;
  readonly work: AskedWork;
  readonly about: JobOutline;
  readonly order: CarriedOrder;
}

/** The workplace that is whatever workers take from a queue which all replicas share. Predictions are none of it. */
export class QueueWorkplace implements Workplace, Elsewhere {
  readonly #parts: QueueParts;
  /** progress of tasks that others have asked for, by run */
  readonly #found = new Map<string, Promise<TaskProgress | undefined>>();
  #thereAt = -Infinity;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  async make(order: TaskOrder, watcher: Watcher): Promise<MadeTask> {
    const { id, kind, steps, requestId } = order;
    const parcel = { jobId: taskJobId(id), work: this.#parts.works.ofTask(order), order };
    const run = await this.#enlist({ ...parcel, about: { kind, id, steps, requestId } }, watcher);
    if (order.kind === 'images') order.support.length = 0; // its pixels are most of what the request holds
    watcher.report({ kind: 'accepted' });
    const result = await this.#result(run, watcher);
    const task = await this.#parts.storage.read(id, watcher.signal);
    if (!task) throw removed();
    return { ...task, kept: run.joined || result === foundTask ? 'joined' : 'made' };
  }

  async estimate(order: EstimateOrder, asker: Asker): Promise<Estimated | undefined> {
    const { maker, works } = this.#parts;
    const id = await contentOf([maker, order.checkpoint, order.steps, order.allowed], order.images);
    const about = { kind: order.kind, id, steps: order.steps, requestId: '' };
    const parcel = { jobId: `estimate-${id}`, work: works.ofEstimate(order), order, about };
    return (await this.#answer(parcel, asker)) as Estimated | undefined;
  }

  async evaluateImages(order: ImagesEvaluationOrder, asker: Asker): Promise<PredictedImages> {
    return (await this.#evaluate(order, order.images, order.images.length, asker)) as PredictedImages;
  }

  async evaluatePoints(order: PointsEvaluationOrder, asker: Asker): Promise<Float32Array> {
    const { x } = order;
    const bytes = new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
    return (await this.#evaluate(order, [bytes], x.length, asker)) as Float32Array;
  }

  async check(): Promise<void> {
    if (performance.now() - this.#thereAt < thereMs) return;
    await this.#parts.link.ping();
    this.#thereAt = performance.now();
  }

  async find(id: string): Promise<TaskProgress | undefined> {
    const { link, queue } = this.#parts;
    const jobId = taskJobId(id);
    const job = await jobOf(link, queue, jobId);
    if (job) {
      const { run } = job.data;
      const found = this.#found.get(run) ?? this.#progressOf({ jobId, run }, job.data);
      this.#found.set(run, found);
      return found;
    }
    const run = await link.ask((client) => client.get(names.latest(jobId)));
    const outcome = run === null ? undefined : await link.ask((client) => getOutcome(client, run));
    // a task that was made is in its storage, or was removed
    if (!outcome?.error || !isTask(outcome.outline.kind)) return undefined;
    const progress = new TaskProgress({ ...outcome.outline, kind: outcome.outline.kind });
    for (const event of outcome.events) progress.add(event);
    progress.add({ kind: 'failed', error: errorOf(outcome.error) });
    return progress;
  }

  async giveUp(id: string): Promise<boolean> {
    const { link, queue, followers, waiters } = this.#parts;
    const jobId = taskJobId(id);
    const job = await jobOf(link, queue, jobId);
    if (!job) return false;
    const { run } = job.data;
    const following = followers.follow({ jobId, run }, () => undefined);
    const gaveUp = !(await waiters.of(run)).attended;
    if (gaveUp) await cancel(link, queue, { jobId, run }, removed());
    // a worker may be dead: whichever gets the job next stops at once
    const seconds = gaveUp ? stopSeconds : endSeconds;
    await within(
      seconds,
      following.outcome.catch(() => undefined),
      new AbortController().signal,
    );
    following.stop();
    return gaveUp;
  }

  /**
   * What a task's model says of a query set.
   * @param query its bytes, by which equal evaluations are told
   * @param rows of the model's input
   */
  async #evaluate(
    { task, ...query }: EvaluationOrder,
    bytes: readonly Uint8Array[],
    rows: number,
    asker: Asker,
  ): Promise<unknown> {
    const { maker, works } = this.#parts;
    const { id: of, steps } = task.record;
    const unlabelled = bytes.map((pixels) => ({ label: '', order: '', pixels }));
    const id = await contentOf([maker, of], unlabelled);
    const order = { ...query, task: of };
    const about = { kind: query.kind, id, steps, requestId: '' };
    const work = works.ofEvaluation(task, rows);
    return this.#answer({ jobId: `evaluation-${id}`, work, order, about }, asker);
  }

  /** What an order gives that nothing keeps. */
  async #answer(parcel: Parcel, asker: Asker): Promise<unknown> {
    const run = await this.#enlist(parcel, { ...asker, report: () => undefined });
    return this.#result(run, { ...asker, report: () => undefined });
  }

  /**
   * What a run gives that this process waits for. When it does not any more, and no other does, the run is given up.
   * @throws ServiceError that ended the run; the signal's reason
   */
  async #result(run: Run, { signal, report }: Watcher): Promise<unknown> {
    const following: Following = this.#parts.followers.follow(run, report);
    try {
      return resultOf(await unlessAborted(following.outcome, signal));
    } catch (error) {
      following.stop();
      following.outcome.catch(() => undefined);
      if (signal.aborted) this.#leave(run, signal.reason);
      throw error;
    }
  }

  /** Where Redis is away, or this process ends before, the run goes on: what it gives is kept or forgotten. */
  #leave({ jobId, run }: Run, reason: unknown): void {
    const { link, queue, waiters } = this.#parts;
    const left = async () => {
      if (!(await waiters.remove(run)))
        await cancel(link, queue, { jobId, run }, reason instanceof ServiceError ? reason : unwaited(reason));
    };
    left().catch(() => undefined); // logged by the link
  }

  /**
   * Takes part in the run of a job, put into the queue where there is none.
   * @throws ServiceError `queue-unavailable`, as `SharedBacklog.admit` does; the signal's reason
   */
  async #enlist(parcel: Parcel, watcher: Watcher): Promise<Run & { readonly joined: boolean }> {
    const { link, queue } = this.#parts;
    const { jobId } = parcel;
    for (;;) {
      watcher.signal.throwIfAborted();
      const job = await jobOf(link, queue, jobId);
      const run = job ? job.data.run : await this.#begin(parcel, watcher);
      if (run === undefined) continue;
      const [cancelled] = await link.ask((client) => getCancelled(client, [run]));
      if (cancelled) {
        await wait(givenUpMs, undefined, { signal: watcher.signal }).catch(() => undefined);
        continue;
      }
      if (job) await this.#parts.waiters.add(run, watcher);
      return { jobId, run, joined: job !== undefined };
    }
  }

  /** Puts a job into the queue; undefined where another replica was first. */
  async #begin({ jobId, work, about, order }: Parcel, asker: Asker): Promise<string | undefined> {
    const { link, queue, backlog, waiters, maker, owned, traces } = this.#parts;
    const { client: who } = asker;
    await backlog.admit(asker, work);
    const run = randomUUID();
    const trace = traces.headers();
    const data: JobData = { ...about, run, client: who, cost: work.cost, maker, owned, trace };
    await putParts(link, names.input(run), order, uploadSeconds);
    await waiters.add(run, asker);
    const priority = await link.ask((client) => enter(client, who, work.cost));
    await link.ask(() =>
      queue.add(about.kind, data, {
        jobId,
        priority,
        attempts,
        backoff: { type: 'custom' },
        removeOnComplete: true,
        removeOnFail: true,
      }),
    );
    void link.ask((client) => rebase(client, queue)).catch(() => undefined);
    const there = await jobOf(link, queue, jobId);
    if (!there || there.data.run === run) {
      await link.ask((client) => client.expire(names.input(run), orderSeconds));
      return run;
    }
    await link.ask((client) => client.unlink(names.input(run), names.waiters(run)));
    await link.ask((client) => leave(client, who, work.cost));
    return undefined;
  }

  async #progressOf(run: Run, { id, kind, steps, requestId }: JobData): Promise<TaskProgress | undefined> {
    const { followers, storage } = this.#parts;
    if (!isTask(kind)) return undefined;
    const progress = new TaskProgress({ id, kind, steps, requestId });
    progress.add({ kind: 'accepted' });
    const following = followers.follow(run, (event) => progress.add(event));
    const ended = async () => {
      resultOf(await following.outcome);
      const task = await storage.read(id);
      if (!task) throw removed();
      progress.add({ kind: 'ready', record: task.record });
    };
    void ended()
      .catch((error: unknown) => progress.add({ kind: 'failed', error: asServiceError(error) }))
      .finally(() => this.#found.delete(run.run));
    await following.looked;
    return progress;
  }
}

const removed = () => new ServiceError('unknown-task', { detail: 'The task was removed while it was made.' });

/** Why a run was given up that nobody waits for: for whoever looks at it. */
const unwaited = (cause: unknown) =>
  new ServiceError('unknown-task', { detail: 'Nobody waits for the task any more.', cause });
