import { hashSupport, imagesTaskId, type HashedSupport } from './identity.ts';
import type { UploadDecoder } from './images.ts';
import type { LabelledFile } from './labels.ts';
import type { ImagesCheckpoint, TaskAdapter, Watcher } from './ports.ts';
import { imagesRecordSchema, type ImagesRecord } from './record.ts';
import type { StoredTask } from './storage/storage.ts';
import { commonRecord, type TaskPlan, type TaskRequest } from './tasks.ts';
import type { UploadedFile } from './upload.ts';

export interface ImagesTaskRequest extends TaskRequest<ImagesCheckpoint> {
  readonly files: readonly LabelledFile[];
}

/** Tasks of images: from files to a task, and predictions with it. */
export class ImageTasks {
  readonly #adapter: TaskAdapter;
  readonly #decode: UploadDecoder;

  constructor(adapter: TaskAdapter, decode: UploadDecoder) {
    this.#adapter = adapter;
    this.#decode = decode;
  }

  /**
   * The task of a support set: its id and how to make it.
   * @throws ServiceError when an image cannot be used; the signal's reason
   */
  async plan(request: ImagesTaskRequest, signal: AbortSignal): Promise<TaskPlan> {
    const receivedAt = performance.now();
    const { files, checkpoint, steps, startedAt, requestId } = request;
    const pixels = await this.#decode(
      files.map(({ file }) => file),
      checkpoint.imageSize,
      signal,
    );
    const support = hashSupport(files.map(({ label }, index) => ({ label, pixels: pixels[index]! })));
    const id = imagesTaskId({ checkpoint, steps, toolchain: this.#adapter.toolchain }, support);
    const spent = { receive: receivedAt - startedAt, decode: performance.now() - receivedAt };
    const make = (watcher: Watcher) => this.#make(id, request, support, spent, watcher);
    return { id, kind: 'images', steps, requestId, make };
  }

  /**
   * Probabilities per file, each in the order of the task's classes, by the exported model.
   * @throws ServiceError when an image cannot be used or the service is overloaded; the signal's reason
   */
  async predict(
    { record, model }: StoredTask<ImagesRecord>,
    files: readonly UploadedFile[],
    signal: AbortSignal,
  ): Promise<readonly Float32Array[]> {
    const { size } = record.image;
    const images = await this.#decode(files, size, signal);
    return this.#adapter.predictImages({ key: record.model.sha256, model, imageSize: size, images }, signal);
  }

  async #make(
    id: string,
    request: ImagesTaskRequest,
    support: HashedSupport,
    spent: { readonly receive: number; readonly decode: number },
    watcher: Watcher,
  ): Promise<StoredTask> {
    const { checkpoint, steps } = request;
    const adapted = await this.#adapter.adaptImages(
      { checkpoint: checkpoint.id, steps, support: support.images },
      watcher,
    );
    // parsed, so that nothing but a whole and finite description is ever kept
    const record = imagesRecordSchema.parse({
      ...commonRecord(id, request, adapted, spent),
      kind: 'images',
      image: { size: checkpoint.imageSize },
      classes: adapted.labels.map((label) => ({ label, shots: shotsOf(label, support) })),
      support: adapted.support,
    });
    return { record, model: adapted.model };
  }
}

function shotsOf(label: string, support: HashedSupport): number {
  return support.images.filter((image) => image.label === label).length;
}
