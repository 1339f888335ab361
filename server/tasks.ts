import { ServiceError } from './errors.ts';
import { hashSupport, sha256, taskId, type HashedSupport } from './identity.ts';
import type { UploadDecoder } from './images.ts';
import type { LabelledFile } from './labels.ts';
import type { Adaptation, CheckpointInfo, TaskAdapter } from './ports.ts';
import { taskRecordSchema, type TaskRecord } from './record.ts';
import { SharedRuns } from './shared-runs.ts';
import type { StoredTask, TaskStorage } from './storage.ts';
import type { UploadedFile } from './upload.ts';

export interface TaskRequest {
  readonly files: readonly LabelledFile[];
  readonly checkpoint: CheckpointInfo;
  readonly steps: number;
  /** `performance.now()` when the request arrived */
  readonly startedAt: number;
}

export interface CreatedTask {
  readonly record: TaskRecord;
  /** false when the task was there already, or is made for another request */
  readonly created: boolean;
}

/** Milliseconds to a hundredth. */
const milliseconds = (duration: number) => Math.round(duration * 100) / 100;

/** Tasks by content: makes each at most once, keeps it, predicts with it. */
export class Tasks {
  readonly #adapter: TaskAdapter;
  readonly #storage: TaskStorage;
  readonly #decode: UploadDecoder;
  /** tasks that are being made or looked up by a POST */
  readonly #inFlight = new SharedRuns<CreatedTask>();

  constructor(adapter: TaskAdapter, storage: TaskStorage, decode: UploadDecoder) {
    this.#adapter = adapter;
    this.#storage = storage;
    this.#decode = decode;
  }

  /**
   * The task of a support set. Equal requests at the same time share one adaptation, which the last signal ends.
   * @throws ServiceError when an image cannot be used or the service is overloaded; the signal's reason
   */
  async create(request: TaskRequest, signal: AbortSignal): Promise<CreatedTask> {
    const receivedAt = performance.now();
    const pixels = await this.#decode(
      request.files.map(({ file }) => file),
      request.checkpoint.imageSize,
      signal,
    );
    const support = hashSupport(request.files.map(({ label }, index) => ({ label, pixels: pixels[index]! })));
    const { checkpoint, steps } = request;
    const id = taskId({ checkpoint, steps, toolchain: this.#adapter.toolchain, support });
    const decodedAt = performance.now();
    const spent = { receive: receivedAt - request.startedAt, decode: decodedAt - receivedAt };
    const { value, started } = await this.#inFlight.join(id, signal, (shared) =>
      this.#findOrMake(id, request, support, spent, shared),
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

  /**
   * Probabilities per file, each in the order of the task's classes, by the exported model.
   * @throws ServiceError when an image cannot be used or the service is overloaded; the signal's reason
   */
  async predict(
    task: StoredTask,
    files: readonly UploadedFile[],
    signal: AbortSignal,
  ): Promise<readonly Float32Array[]> {
    const { record, model } = task;
    const { size } = record.image;
    const images = await this.#decode(files, size, signal);
    return this.#adapter.predict({ key: record.model.sha256, model, imageSize: size, images }, signal);
  }

  async #findOrMake(
    id: string,
    request: TaskRequest,
    support: HashedSupport,
    spent: { readonly receive: number; readonly decode: number },
    signal: AbortSignal,
  ): Promise<CreatedTask> {
    const existing = await this.#storage.read(id);
    if (existing) return { record: existing.record, created: false };
    const { checkpoint, steps } = request;
    signal.throwIfAborted();
    const adaptation = await this.#adapter.adapt(
      { checkpoint: checkpoint.id, steps, support: support.images },
      signal,
    );
    const spentInAll = { ...adaptation.timings, ...spent, total: performance.now() - request.startedAt };
    // parsed, so that nothing but a whole and finite description is ever kept
    const record = taskRecordSchema.parse({
      version: 1,
      id,
      createdAt: new Date().toISOString(),
      checkpoint: { id: checkpoint.id, sha256: checkpoint.sha256 },
      steps,
      image: { size: checkpoint.imageSize },
      classes: adaptation.labels.map((label) => ({ label, shots: shotsOf(label, support) })),
      ...numbersOf(adaptation),
      timings: Object.fromEntries(Object.entries(spentInAll).map(([stage, ms]) => [stage, milliseconds(ms)])),
    });
    await this.#storage.write({ record, model: adaptation.model });
    return { record, created: true };
  }
}

function shotsOf(label: string, support: HashedSupport): number {
  return support.images.filter((image) => image.label === label).length;
}

function numbersOf({ genotype, weights, multiplyAdds, support, model, embedding }: Adaptation) {
  return {
    architecture: { genotype, weights, multiplyAdds },
    support,
    model: { bytes: model.length, sha256: sha256(model) },
    embedding: Array.from(embedding),
  };
}
