import { setTimeout as wait } from 'node:timers/promises';
import type { Budget } from '../../model/adaptation/budget.ts';
import type { Owner } from '../access/access.ts';
import type { Background } from '../concurrency/background.ts';
import { ClientGoneError } from '../http/client.ts';
import { asServiceError, ServiceError } from '../errors/errors.ts';
import type { Asker, CheckpointInfo, Watcher } from '../ports.ts';
import { Ownership } from './ownership.ts';
import { Progresses, TaskProgress } from './progress.ts';
import type { TaskOutline } from './progress.ts';
import type { TaskRecord } from '../storage/record.ts';
import { inTime, within } from '../concurrency/in-time.ts';
import type { Elsewhere } from './elsewhere.ts';
import type { MadeTask } from './orders.ts';
import { SharedRuns } from '../concurrency/shared-runs.ts';
import { readableTask } from '../storage/storage.ts';
import type { StoredTask, TaskStorage } from '../storage/storage.ts';
import { isTaskId } from '../storage/task-id.ts';
import { UnattendedWork } from '../concurrency/unattended.ts';

/** What a request for a task says beside its support set. */
export interface TaskRequest<C extends CheckpointInfo> {
  readonly checkpoint: C;
  readonly steps: number;
  /** what the network may cost at most; a regression task has none */
  readonly budget?: Budget | undefined;
  /** `performance.now()` when the request arrived */
  readonly startedAt: number;
  readonly requestId: string;
}

/** A task by the id of its content, and how to make it when it is not there. */
export interface TaskPlan extends TaskOutline {
  readonly make: (watcher: Watcher) => Promise<MadeTask>;
}

export interface CreatedTask {
  readonly record: TaskRecord;
  /** false when the task was there already, or is made for another request */
  readonly created: boolean;
}

/** The making of a task, as one of those who wait for it sees it. */
interface Making {
  readonly progress: TaskProgress | undefined;
  readonly done: Promise<CreatedTask>;
}

/** What a storage needs to say of a task whether it is there, usually. */
const momentSeconds = 0.1;
/** While it does not, it is looked whether others can still be asked. */
const lookAgainMs = 300;

/** Tasks by content, whatever their kind: makes each at most once and keeps it. */
export class Tasks {
  readonly #storage: TaskStorage;
  readonly #background: Background;
  readonly #onMade: (record: TaskRecord) => void;
  /** tasks that are being made or looked up by a POST */
  readonly #inFlight = new SharedRuns<CreatedTask>();
  readonly #progresses = new Progresses();
  readonly #unattended = new UnattendedWork();
  readonly #ownership: Ownership | undefined;
  readonly #elsewhere: Elsewhere | undefined;

  /**
   * @param onMade is told every task that was made and stored
   * @param owners all that there are at present; without, tasks have none
   * @param elsewhere where plans are fulfilled by other processes
   */
  constructor(
    storage: TaskStorage,
    background: Background,
    onMade: (record: TaskRecord) => void = () => undefined,
    owners?: () => readonly string[],
    elsewhere?: Elsewhere,
  ) {
    this.#elsewhere = elsewhere;
    this.#ownership = owners && storage.claims && new Ownership(storage.claims, owners);
    this.#storage = storage;
    this.#background = background;
    this.#onMade = onMade;
  }

  /**
   * The task of a plan, which is the owner's from now on, too. Equal plans at the same time share one run, which the last
   * signal ends.
   * @throws what the plan throws; the signal's reason
   */
  async create(plan: TaskPlan, asker: Asker, owner?: Owner): Promise<CreatedTask> {
    const { done } = await this.#join(plan, asker);
    const made = await done;
    if (owner) await this.#ownership?.claim(plan.id, owner);
    return made;
  }

  /**
   * The task of a plan when it is there within `seconds`, and before the signal; else its progress: the work has been
   * taken on, and goes on without a client until it ends or the task is removed.
   * @throws what the plan throws until then; the signal's reason where that comes before the work was taken on
   */
  async begin(
    plan: TaskPlan,
    seconds: number,
    asker: Asker,
    owner?: Owner,
  ): Promise<CreatedTask | TaskProgress> {
    const { client, signal } = asker;
    signal.throwIfAborted();
    const controller = new AbortController();
    const giveUp = () => controller.abort(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    // without the deadline of the request, which does not wait for the end
    const lasting = { client, signal: controller.signal };
    const { progress, done } = await this.#untilAccepted(plan, lasting).finally(() =>
      signal.removeEventListener('abort', giveUp),
    );
    if (progress) this.#unattended.add(plan.id, controller);
    const ended = done.finally(() => this.#unattended.remove(plan.id, controller));
    if (progress) this.#background.add(ended, plan.requestId);
    if (owner) await this.#ownership?.claim(plan.id, owner);
    if (!progress) return ended;
    if (seconds === 0) return progress;
    return (await within(seconds, ended, AbortSignal.any([controller.signal, signal]))) ?? progress;
  }

  /**
   * How a task is being made, or was; of one whose making is not remembered, that it is ready.
   * @throws ServiceError `unknown-task`
   */
  async progress(id: string, owner?: Owner): Promise<TaskProgress> {
    await this.#checkOwner(id, owner, () => this.#recordOf(id));
    const known = this.#progresses.get(id);
    if (known && !known.ended) return known;
    // it may have been removed, or made before the start
    const record = await this.#storage.readRecord(id);
    const isReady = known?.events.at(-1)?.kind === 'ready';
    if (record) return isReady ? known : readyProgress(record);
    const followed = await this.#elsewhere?.find(id);
    if (followed) return followed;
    if (!known || isReady) throw unknownTask(id);
    return known;
  }

  /** @throws ServiceError `unknown-task`, those of the storage; the signal's reason */
  async get(id: string, signal?: AbortSignal, owner?: Owner): Promise<StoredTask> {
    const task = await this.#storage.read(id, signal);
    if (!task) throw unknownTask(id);
    await this.#checkOwner(id, owner, () => Promise.resolve(task.record), signal);
    return task;
  }

  /** The record of the same task, without its model. @throws as `get` does */
  async getRecord(id: string, signal?: AbortSignal, owner?: Owner): Promise<TaskRecord> {
    const record = await this.#storage.readRecord(id, signal);
    if (!record) throw unknownTask(id);
    await this.#checkOwner(id, owner, () => Promise.resolve(record), signal);
    return record;
  }

  /** The model of a record that was got before. @throws as `get` does, where the task has gone meanwhile, too */
  async getModel(record: TaskRecord, signal?: AbortSignal): Promise<Uint8Array> {
    const model = await this.#storage.readModel(record, signal);
    if (!model) throw unknownTask(record.id);
    return model;
  }

  /**
   * @param record of the task, where it is there; asked for only where no claim tells whose the task is
   * @throws ServiceError `unknown-task`, those of the storage; the signal's reason
   */
  async #checkOwner(
    id: string,
    owner: Owner | undefined,
    record: () => Promise<TaskRecord | undefined>,
    signal?: AbortSignal,
  ): Promise<void> {
    if (!owner || !this.#ownership || !isTaskId(id)) return;
    if (!(await this.#ownership.mayUse(id, owner, record, signal))) throw unknownTask(id);
  }

  /** The record of a task that is there. */
  #recordOf(id: string): Promise<TaskRecord | undefined> {
    return readableTask(this.#storage.readRecord(id));
  }

  /** The task as it is kept. */
  #marked(task: StoredTask): StoredTask {
    return this.#ownership ? { ...task, record: { ...task.record, owned: true } } : task;
  }

  /**
   * Removes a task; where others have asked for it as well, it goes for its owner alone. One that is just being made is
   * waited for where a client waits for it, else given up.
   * @throws ServiceError `unknown-task`
   */
  async remove(id: string, owner?: Owner): Promise<void> {
    await this.#checkOwner(id, owner, () => this.#recordOf(id));
    if (owner && this.#ownership && isTaskId(id)) {
      if (owner.every) await this.#ownership.disclaimAll(id);
      else if (await this.#ownership.disclaim(id, owner)) return;
    }
    const here = this.#unattended.abandon(id);
    const abandoned = (await this.#elsewhere?.giveUp(id)) || here;
    await this.#inFlight.settled(id);
    const removed = await this.#storage.remove(id);
    this.#progresses.forget(id);
    if (!removed && !abandoned) throw unknownTask(id);
  }

  /** Takes part in the run of a plan; `progress` is absent where it is at its end. */
  async #join(plan: TaskPlan, asker: Asker): Promise<Making> {
    const start = (signal: AbortSignal) => this.#findOrMake(plan, { ...asker, signal });
    const { started, result } = await this.#inFlight.join(plan.id, asker.signal, start);
    const done = result.then(({ record, created }) => ({ record, created: started && created }));
    return { progress: this.#progresses.running(plan.id), done };
  }

  /** The same, once the queue has taken the adaptation; without `progress` where the run has ended before. */
  async #untilAccepted(plan: TaskPlan, asker: Asker): Promise<Making> {
    const { progress, done } = await this.#join(plan, asker);
    const made = await Promise.race([done, progress?.accepted ?? done]);
    return made ? { progress: undefined, done } : { progress, done };
  }

  /**
   * The task, where it is there. Where nothing could be made at present, the storage gets no more than a moment to answer.
   * @throws what the storage throws, `queue-unavailable`
   */
  async #existing(id: string, signal: AbortSignal): Promise<StoredTask | undefined> {
    const found = readableTask(this.#storage.read(id, signal));
    const foundOrNot = found.catch(() => undefined); // it may fail first, which nobody would hear of meanwhile
    if (!this.#elsewhere) return found;
    try {
      for (let answered = false; !answered;) {
        await this.#elsewhere.check();
        answered = await Promise.race([foundOrNot.then(() => true), wait(lookAgainMs, false)]);
      }
    } catch (error) {
      const there = await inTime(momentSeconds, foundOrNot, () => error as Error);
      if (there) return there;
      throw error;
    }
    return found;
  }

  async #findOrMake(plan: TaskPlan, asker: Asker): Promise<CreatedTask> {
    const progress = this.#progresses.open(plan);
    try {
      const existing = await this.#existing(plan.id, asker.signal);
      if (existing) {
        this.#progresses.drop(plan.id);
        return { record: existing.record, created: false };
      }
      if (!(await this.#storage.state()).writable) throw unwritable();
      asker.signal.throwIfAborted();
      const made = await plan.make({ ...asker, report: (event) => progress.add(event) });
      const task = made.kept ? made : this.#marked(made);
      if (!made.kept) {
        await this.#storage.write(task);
        this.#onMade(task.record);
      }
      this.#progresses.end(progress, { kind: 'ready', record: task.record });
      return { record: task.record, created: made.kept !== 'joined' };
    } catch (error) {
      this.#progresses.end(progress, { kind: 'failed', error: failureOf(error) });
      throw error;
    }
  }
}

const unknownTask = (id: string) =>
  new ServiceError('unknown-task', { detail: `No task has the id ${JSON.stringify(id)}.` });

/** The refusal of a task before it is made, since it could not be kept. */
const unwritable = () =>
  new ServiceError('storage-unavailable', {
    detail: 'Tasks can be read, but no other one can be kept at present.',
  });

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
