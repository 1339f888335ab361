import { ServiceError } from './errors.ts';
import { sha256 } from './identity.ts';
import type { CheckpointInfo } from './ports.ts';
import type { TaskRecord } from './record.ts';
import { SharedRuns } from './shared-runs.ts';
import type { StoredTask, TaskStorage } from './storage.ts';

/** What a request for a task says beside its support set. */
export interface TaskRequest<C extends CheckpointInfo> {
  readonly checkpoint: C;
  readonly steps: number;
  /** `performance.now()` when the request arrived */
  readonly startedAt: number;
}

/** A task by the id of its content, and how to make it when it is not there. */
export interface TaskPlan {
  readonly id: string;
  readonly make: (signal: AbortSignal) => Promise<StoredTask>;
}

export interface CreatedTask {
  readonly record: TaskRecord;
  /** false when the task was there already, or is made for another request */
  readonly created: boolean;
}

/** Tasks by content, whatever their kind: makes each at most once and keeps it. */
export class Tasks {
  readonly #storage: TaskStorage;
  readonly #onMade: (record: TaskRecord) => void;
  /** tasks that are being made or looked up by a POST */
  readonly #inFlight = new SharedRuns<CreatedTask>();

  /** @param onMade is told every task that was made and stored */
  constructor(storage: TaskStorage, onMade: (record: TaskRecord) => void = () => undefined) {
    this.#storage = storage;
    this.#onMade = onMade;
  }

  /**
   * The task of a plan. Equal plans at the same time share one run, which the last signal ends.
   * @throws what the plan throws; the signal's reason
   */
  async create(plan: TaskPlan, signal: AbortSignal): Promise<CreatedTask> {
    const { value, started } = await this.#inFlight.join(plan.id, signal, (shared) =>
      this.#findOrMake(plan, shared),
    );
    return { record: value.record, created: started && value.created };
  }

  /** @throws ServiceError `unknown-task` */
  async get(id: string): Promise<StoredTask> {
    const task = await this.#storage.read(id);
    if (!task)
      throw new ServiceError('unknown-task', { detail: `No task has the id ${JSON.stringify(id)}.` });
    return task;
  }

  /** Removes a task, also one that is just being made. @throws ServiceError `unknown-task` */
  async remove(id: string): Promise<void> {
    await this.#inFlight.settled(id);
    const removed = await this.#storage.remove(id);
    if (!removed)
      throw new ServiceError('unknown-task', { detail: `No task has the id ${JSON.stringify(id)}.` });
  }

  async #findOrMake({ id, make }: TaskPlan, signal: AbortSignal): Promise<CreatedTask> {
    const existing = await this.#storage.read(id);
    if (existing) return { record: existing.record, created: false };
    signal.throwIfAborted();
    const task = await make(signal);
    await this.#storage.write(task);
    this.#onMade(task.record);
    return { record: task.record, created: true };
  }
}

/** What an adaptation of any kind gives. */
interface Adapted {
  readonly genotype: unknown;
  readonly weights: number;
  readonly multiplyAdds: number;
  readonly model: Uint8Array;
  readonly embedding: Float32Array;
  readonly timings: Readonly<Record<string, number>>;
}

/** What the record of a task says whatever its kind; `spent` has the milliseconds of the stages before the adaptation. */
export function commonRecord(
  id: string,
  { checkpoint, steps, startedAt }: TaskRequest<CheckpointInfo>,
  { genotype, weights, multiplyAdds, model, embedding, timings }: Adapted,
  spent: Readonly<Record<string, number>>,
) {
  const all = { ...timings, ...spent, total: performance.now() - startedAt };
  return {
    version: 1,
    id,
    createdAt: new Date().toISOString(),
    checkpoint: { id: checkpoint.id, sha256: checkpoint.sha256 },
    steps,
    architecture: { genotype, weights, multiplyAdds },
    model: { bytes: model.length, sha256: sha256(model) },
    embedding: Array.from(embedding),
    timings: Object.fromEntries(Object.entries(all).map(([stage, ms]) => [stage, milliseconds(ms)])),
  };
}

/** Milliseconds to a hundredth. */
const milliseconds = (duration: number) => Math.round(duration * 100) / 100;
