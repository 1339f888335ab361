import type { Background } from '../concurrency/background.ts';
import { ClientGoneError } from '../http/client.ts';
import { asServiceError, ServiceError } from '../errors/errors.ts';
import type { CheckpointInfo, Watcher } from '../ports.ts';
import { Progresses, TaskProgress, type TaskOutline } from './progress.ts';
import type { TaskRecord } from '../storage/record.ts';
import { SharedRuns } from '../concurrency/shared-runs.ts';
import type { StoredTask, TaskStorage } from '../storage/storage.ts';
import { UnattendedWork } from '../concurrency/unattended.ts';

/** What a request for a task says beside its support set. */
export interface TaskRequest<C extends CheckpointInfo> {
  readonly checkpoint: C;
  readonly steps: number;
  /** `performance.now()` when the request arrived */
  readonly startedAt: number;
  readonly requestId: string;
}

/** A task by the id of its content, and how to make it when it is not there. */
export interface TaskPlan extends TaskOutline {
  readonly make: (watcher: Watcher) => Promise<StoredTask>;
}

export interface CreatedTask {
  readonly record: TaskRecord;
  /** false when the task was there already, or is made for another request */
  readonly created: boolean;
}

/** Tasks by content, whatever their kind: makes each at most once and keeps it. */
export class Tasks {
  readonly #storage: TaskStorage;
  readonly #background: Background;
  readonly #onMade: (record: TaskRecord) => void;
  /** tasks that are being made or looked up by a POST */
  readonly #inFlight = new SharedRuns<CreatedTask>();
  readonly #progresses = new Progresses();
  readonly #unattended = new UnattendedWork();

  /** @param onMade is told every task that was made and stored */
  constructor(
    storage: TaskStorage,
    background: Background,
    onMade: (record: TaskRecord) => void = () => undefined,
  ) {
    this.#storage = storage;
    this.#background = background;
    this.#onMade = onMade;
  }

  /**
   * The task of a plan. Equal plans at the same time share one run, which the last signal ends.
   * @throws what the plan throws; the signal's reason
   */
  async create(plan: TaskPlan, signal: AbortSignal, joined?: () => void): Promise<CreatedTask> {
    const start = (shared: AbortSignal) => this.#findOrMake(plan, shared);
    const { value, started } = await this.#inFlight.join(plan.id, signal, start, joined);
    return { record: value.record, created: started && value.created };
  }

  /**
   * The task of a plan when it is there within `seconds`, and before the signal; else its progress: the work has been
   * taken on, and goes on without a client until it ends or the task is removed.
   * @throws what the plan throws until then; the signal's reason where that comes before the work was taken on
   */
  async begin(plan: TaskPlan, seconds: number, signal: AbortSignal): Promise<CreatedTask | TaskProgress> {
    signal.throwIfAborted();
    const { id, requestId } = plan;
    const controller = new AbortController();
    let join = () => {};
    const joined = new Promise<void>((resolve) => (join = resolve));
    const giveUp = () => controller.abort(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    const made = this.create(plan, controller.signal, join);
    const takenOn = async () => {
      await joined;
      const progress = this.#progresses.running(id);
      if (!progress) return made; // it is at its end
      await progress.accepted;
      return progress;
    };
    const progress = await Promise.race([made, takenOn()]).finally(() =>
      signal.removeEventListener('abort', giveUp),
    );
    if (!(progress instanceof TaskProgress)) return progress;
    this.#unattended.add(id, controller);
    const ended = made.finally(() => this.#unattended.remove(id, controller));
    this.#background.add(ended, requestId);
    const outcome =
      seconds > 0 ? await within(seconds, ended, AbortSignal.any([controller.signal, signal])) : undefined;
    return outcome ?? progress;
  }

  /**
   * How a task is being made, or was; of one whose making is not remembered, that it is ready.
   * @throws ServiceError `unknown-task`
   */
  async progress(id: string): Promise<TaskProgress> {
    const known = this.#progresses.get(id);
    if (known && !known.ended) return known;
    // it may have been removed, or made before the start
    const stored = await this.#storage.read(id);
    const isReady = known?.events.at(-1)?.kind === 'ready';
    if (stored) return isReady ? known : readyProgress(stored.record);
    if (!known || isReady) throw unknownTask(id);
    return known;
  }

  /** @throws ServiceError `unknown-task` */
  async get(id: string): Promise<StoredTask> {
    const task = await this.#storage.read(id);
    if (!task) throw unknownTask(id);
    return task;
  }

  /**
   * Removes a task. One that is just being made is waited for where a client waits for it, else given up.
   * @throws ServiceError `unknown-task`
   */
  async remove(id: string): Promise<void> {
    const abandoned = this.#unattended.abandon(id);
    await this.#inFlight.settled(id);
    const removed = await this.#storage.remove(id);
    this.#progresses.forget(id);
    if (!removed && !abandoned) throw unknownTask(id);
  }

  async #findOrMake(plan: TaskPlan, signal: AbortSignal): Promise<CreatedTask> {
    const progress = this.#progresses.open(plan);
    try {
      const existing = await this.#storage.read(plan.id);
      if (existing) {
        this.#progresses.drop(plan.id);
        return { record: existing.record, created: false };
      }
      signal.throwIfAborted();
      const task = await plan.make({ signal, report: (event) => progress.add(event) });
      await this.#storage.write(task);
      this.#onMade(task.record);
      this.#progresses.end(progress, { kind: 'ready', record: task.record });
      return { record: task.record, created: true };
    } catch (error) {
      this.#progresses.end(progress, { kind: 'failed', error: failureOf(error) });
      throw error;
    }
  }
}

const unknownTask = (id: string) =>
  new ServiceError('unknown-task', { detail: `No task has the id ${JSON.stringify(id)}.` });

/** The progress of a task whose making is not remembered. */
function readyProgress(record: TaskRecord): TaskProgress {
  const { id, kind, steps } = record;
  const progress = new TaskProgress({ id, kind, steps, requestId: '' });
  progress.add({ kind: 'ready', record });
  return progress;
}

/** What those who watch are told of a failure. */
function failureOf(error: unknown): ServiceError {
  if (error instanceof ClientGoneError)
    return new ServiceError('unknown-task', { detail: 'Nobody waits for the task any more.' });
  return asServiceError(error);
}

/** The promise's value if it comes within so many seconds, and before the signal. */
async function within<T>(seconds: number, promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let end = () => {};
  const late = new Promise<undefined>((resolve) => (end = () => resolve(undefined)));
  const timer = setTimeout(end, seconds * 1000);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  return Promise.race([promise, late]).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end); // Node keeps a signal of others for ever while somebody listens to it
  });
}
