import type { Schema } from '../../contract/schema.ts';
import { ServiceError } from '../errors/errors.ts';
import { estimateAccuracy } from '../../model/accuracy/estimate.ts';
import { fileOrder } from '../../model/accuracy/folds.ts';
import { evaluationOf, mistakesOf } from '../../model/accuracy/judgements.ts';
import type { Mistake } from '../../model/accuracy/judgements.ts';
import { viewPlan } from '../../model/adaptation/support-views.ts';
import { hashSupport, imagesTaskId, sharedImages } from './identity.ts';
import type { HashedSupport } from './identity.ts';
import type { UploadDecoder } from '../upload/decode-upload.ts';
import type { LabelledFile } from '../upload/labels.ts';
import type { Asker, ImagesCheckpoint, PredictedImages, TaskAdapter, Watcher } from '../ports.ts';
import { imagesRecordSchema } from '../storage/record.ts';
import type { ImagesRecord } from '../storage/record.ts';
import { sha256 } from '../storage/sha256.ts';
import type { StoredTask } from '../storage/storage.ts';
import { commonRecord } from './task-record.ts';
import type { TaskPlan, TaskRequest } from './tasks.ts';
import { whereIs } from '../upload/files.ts';
import type { UploadedFile } from '../upload/files.ts';

export interface ImagesTaskRequest extends TaskRequest<ImagesCheckpoint> {
  readonly files: readonly LabelledFile[];
}
type EstimateRequest = Pick<ImagesTaskRequest, 'files' | 'checkpoint' | 'steps'>;

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
  async plan(request: ImagesTaskRequest, asker: Asker): Promise<TaskPlan> {
    const receivedAt = performance.now();
    const { checkpoint, steps, startedAt, requestId } = request;
    const asked = { checkpoint, steps, startedAt, requestId }; // the files are not kept until the task is made
    const support = await this.#support(request, asker);
    const id = imagesTaskId({ checkpoint, steps, toolchain: this.#adapter.toolchain }, support);
    const spent = { receive: receivedAt - startedAt, decode: performance.now() - receivedAt };
    const make = (watcher: Watcher) => this.#make(id, asked, support, spent, watcher);
    return { id, kind: 'images', steps, requestId, make };
  }

  /**
   * What the exported model says of every file, in their order.
   * @throws ServiceError when an image cannot be used or the service is overloaded; the signal's reason
   */
  async predict(
    { record, model }: StoredTask<ImagesRecord>,
    files: readonly UploadedFile[],
    asker: Asker,
  ): Promise<PredictedImages> {
    const { size } = record.image;
    const images = await this.#decode(files, size, asker);
    const file = { key: record.model.sha256, model, multiplyAdds: record.architecture.multiplyAdds };
    return this.#adapter.predictImages({ ...file, imageSize: size, images }, asker);
  }

  /**
   * How accurate the task of a support set is on images that it has not seen, by leaving out images: a network is
   * adapted to the rest of every fold and classifies what was left out. Nothing is kept.
   * @throws ServiceError `too-few-images` and as `plan` does, when the service is overloaded; the signal's reason
   */
  async estimate(request: EstimateRequest, asker: Asker): Promise<Schema<'Estimate'>> {
    const { checkpoint, steps } = request;
    if (checkpoint.trunk) return this.#estimateAtOnce(request, asker);
    const pixels = await this.#pixels(request, asker);
    // ordered by the files' bytes, so that the page, which decodes otherwise, has the same folds
    const images = request.files.map(({ label, file }, index) => ({
      label,
      pixels: pixels[index]!,
      order: fileOrder(file.bytes),
    }));
    const estimate = await estimateAccuracy(images, async (fold) => {
      const { model, multiplyAdds } = await this.#adapter.adaptImages(
        { checkpoint: checkpoint.id, steps, support: [...fold.support] },
        { ...asker, report: () => undefined },
      );
      const left = fold.left.map((image) => image.pixels);
      const asked = {
        key: sha256(model),
        model,
        multiplyAdds,
        imageSize: checkpoint.imageSize,
        images: left,
      };
      return (await this.#adapter.predictImages(asked, asker)).probabilities;
    });
    if (!estimate) throw new ServiceError('too-few-images');
    const { folds, evaluation, mistakes } = estimate;
    return { checkpoint: checkpoint.id, steps, folds, evaluation, mistakes: named(mistakes, request.files) };
  }

  /** On a trunk the head is solved in closed form, and so are the heads without an image: one adaptation tells all. */
  async #estimateAtOnce(request: EstimateRequest, asker: Asker): Promise<Schema<'Estimate'>> {
    const { checkpoint, steps } = request;
    const pixels = await this.#pixels(request, asker);
    // in the order of the files, so that a judgement's place is that of its file; the model has an order of its own
    const support = request.files.map(({ label }, index) => ({ label, pixels: pixels[index]! }));
    const { labels, leftOut = [] } = await this.#adapter.adaptImages(
      { checkpoint: checkpoint.id, steps, support },
      { ...asker, report: () => undefined },
    );
    if (leftOut.length === 0) throw new ServiceError('too-few-images');
    return {
      checkpoint: checkpoint.id,
      steps,
      folds: 1,
      evaluation: evaluationOf(labels, leftOut),
      mistakes: named(mistakesOf(labels, leftOut), request.files),
    };
  }

  async #support(
    { files, checkpoint }: Pick<EstimateRequest, 'files' | 'checkpoint'>,
    asker: Asker,
  ): Promise<HashedSupport> {
    const pixels = await this.#pixels({ files, checkpoint }, asker);
    return hashSupport(files.map(({ label }, index) => ({ label, pixels: pixels[index]! })));
  }

  #pixels(
    { files, checkpoint }: Pick<EstimateRequest, 'files' | 'checkpoint'>,
    asker: Asker,
  ): Promise<Uint8Array[]> {
    const way = new Set(files.map(({ label }) => label)).size;
    const { crops } = viewPlan(checkpoint.views, { way, support: files.length });
    return this.#decode(
      files.map(({ file }) => file),
      checkpoint.imageSize,
      asker,
      crops,
    );
  }

  async #make(
    id: string,
    request: TaskRequest<ImagesCheckpoint>,
    support: HashedSupport,
    spent: { readonly receive: number; readonly decode: number },
    watcher: Watcher,
  ): Promise<StoredTask> {
    const { checkpoint, steps } = request;
    const shots = shotsOf(support);
    const shared = sharedImages(support);
    const adapted = await this.#adapter.adaptImages(
      { checkpoint: checkpoint.id, steps, support: support.images },
      watcher,
    );
    // parsed, so that nothing but a whole and finite description is ever kept
    const record = imagesRecordSchema.parse({
      ...commonRecord(id, request, adapted, spent),
      kind: 'images',
      image: { size: checkpoint.imageSize },
      classes: adapted.labels.map((label) => ({ label, shots: shots.get(label)! })),
      support: adapted.support,
      mirrored: adapted.mirrored,
      openSet: adapted.openSet,
      sharedImages: shared,
    });
    return { record, model: adapted.model };
  }
}

/** Mistakes with what the client called their files. */
const named = (
  mistakes: readonly Mistake[],
  files: readonly LabelledFile[],
): Schema<'Estimate'>['mistakes'] =>
  mistakes.map(({ place, label, given }) => ({ ...whereIs(files[place]!.file), label, given }));

/** How many images each label has. */
function shotsOf({ images }: HashedSupport): ReadonlyMap<string, number> {
  const shots = new Map<string, number>();
  for (const { label } of images) shots.set(label, (shots.get(label) ?? 0) + 1);
  return shots;
}
