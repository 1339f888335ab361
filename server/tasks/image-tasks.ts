import type { Schema } from '../../contract/schema.ts';
import { ServiceError } from '../errors/errors.ts';
import { estimateAccuracy } from '../../model/accuracy/estimate.ts';
import type { Estimated } from '../../model/accuracy/estimate.ts';
import { fileOrder } from '../../model/accuracy/folds.ts';
import { evaluationOf, mistakesOf } from '../../model/accuracy/judgements.ts';
import type { Mistake } from '../../model/accuracy/judgements.ts';
import { viewPlan } from '../../model/adaptation/support-views.ts';
import { hashSupport, imagesTaskId, sharedImages } from './identity.ts';
import type { HashedSupport } from './identity.ts';
import type { UploadDecoder } from '../upload/decode-upload.ts';
import type { LabelledFile } from '../upload/labels.ts';
import type {
  AdaptImagesRequest,
  Asker,
  ImagesCheckpoint,
  LabelledBytes,
  PredictedImages,
  TaskAdapter,
  Watcher,
} from '../ports.ts';
import { imagesRecordSchema } from '../storage/record.ts';
import type { ImagesRecord } from '../storage/record.ts';
import { sha256 } from '../storage/sha256.ts';
import type { StoredTask } from '../storage/storage.ts';
import { keptEstimate } from './kept-estimate.ts';
import { allowedBy, checkWithin } from './task-budget.ts';
import { commonRecord } from './task-record.ts';
import type { TaskPlan, TaskRequest } from './tasks.ts';
import { whereIs } from '../upload/files.ts';
import type { UploadedFile } from '../upload/files.ts';

export interface ImagesTaskRequest extends TaskRequest<ImagesCheckpoint> {
  readonly files: readonly LabelledFile[];
  /** whether the plan is to have an estimate, whatever it costs */
  readonly estimated?: boolean;
}
type EstimateRequest = Pick<ImagesTaskRequest, 'files' | 'checkpoint' | 'steps' | 'budget'>;

/** The architectures that a request leaves to the controller. */
type Allowed = AdaptImagesRequest['allowed'];

/** An image of a support set, and where it stands in the order by which folds leave out. */
interface OrderedImage extends LabelledBytes {
  readonly order: string;
}

/** What an estimate is made of once the files are decoded. */
interface DecodedRequest {
  readonly checkpoint: ImagesCheckpoint;
  readonly steps: number;
  readonly allowed: Allowed;
  readonly images: readonly OrderedImage[];
}

export interface ImagesTaskPlan extends TaskPlan {
  /**
   * The accuracy of the task by leaving out images, which costs adaptations of its own; undefined where no
   * class has two images. There where the request is `estimated`.
   * @throws ServiceError when the service is overloaded; the signal's reason
   */
  readonly estimate?: (asker: Asker) => Promise<Schema<'TaskEstimate'> | undefined>;
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
   * @throws ServiceError when an image cannot be used, or no architecture is within the budget; the signal's reason
   */
  async plan(request: ImagesTaskRequest, asker: Asker): Promise<ImagesTaskPlan> {
    const receivedAt = performance.now();
    const { checkpoint, steps, budget, startedAt, requestId } = request;
    const asked = { checkpoint, steps, budget, startedAt, requestId }; // the files are not kept until the task is made
    const { estimated = false } = request;
    const allowed = await this.#allowed(request);
    const images = await this.#images(request, asker, estimated);
    const support = await hashSupport(images.map(pixelsOf));
    asker.signal.throwIfAborted();
    const id = imagesTaskId({ checkpoint, steps, budget, toolchain: this.#adapter.toolchain }, support);
    const spent = { receive: receivedAt - startedAt, decode: performance.now() - receivedAt };
    const make = (watcher: Watcher) => this.#make(id, asked, { support, allowed }, spent, watcher);
    const plan = { id, kind: 'images' as const, steps, requestId, make };
    return estimated
      ? { ...plan, estimate: this.#laterEstimate({ checkpoint, steps, allowed, images }) }
      : plan;
  }

  #allowed({ budget, checkpoint, files }: EstimateRequest): Promise<Allowed> {
    return allowedBy(budget, this.#adapter, checkpoint, [...new Set(files.map(({ label }) => label))]);
  }

  /** Apart from `plan`, whose functions would keep the pixels of every task otherwise, estimated or not. */
  #laterEstimate(request: DecodedRequest): NonNullable<ImagesTaskPlan['estimate']> {
    return async (asker) => {
      const estimate = await this.#estimate(request, asker);
      return estimate && { folds: estimate.folds, evaluation: estimate.evaluation };
    };
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
    const { checkpoint, steps, budget } = request;
    const allowed = await this.#allowed(request);
    const images = await this.#images(request, asker, true);
    const estimate = await this.#estimate({ checkpoint, steps, allowed, images }, asker);
    if (!estimate) throw new ServiceError('too-few-images');
    const { folds, evaluation, mistakes } = estimate;
    return {
      checkpoint: checkpoint.id,
      steps,
      ...(budget && { budget }),
      folds,
      evaluation,
      mistakes: named(mistakes, request.files),
    };
  }

  #estimate(request: DecodedRequest, asker: Asker): Promise<Estimated | undefined> {
    return request.checkpoint.trunk
      ? this.#estimateAtOnce(request, asker)
      : this.#estimateByFolds(request, asker);
  }

  async #estimateByFolds(
    { checkpoint, steps, allowed, images }: DecodedRequest,
    asker: Asker,
  ): Promise<Estimated | undefined> {
    return estimateAccuracy(images, async (fold) => {
      const { model, multiplyAdds } = await this.#adapter.adaptImages(
        { checkpoint: checkpoint.id, steps, allowed, support: fold.support.map(pixelsOf) },
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
  }

  /** On a trunk the head is solved in closed form, and so are the heads without an image: one adaptation tells all. */
  async #estimateAtOnce(
    { checkpoint, steps, allowed, images }: DecodedRequest,
    asker: Asker,
  ): Promise<Estimated | undefined> {
    // in the order of the files, so that a judgement's place is that of its file; the model has an order of its own
    const { labels, leftOut = [] } = await this.#adapter.adaptImages(
      { checkpoint: checkpoint.id, steps, allowed, support: images.map(pixelsOf) },
      { ...asker, report: () => undefined },
    );
    if (leftOut.length === 0) return undefined;
    return { folds: 1, evaluation: evaluationOf(labels, leftOut), mistakes: mistakesOf(labels, leftOut) };
  }

  /**
   * The images of files. `ordered` ones have an order by the files' bytes, so that the page, which decodes
   * otherwise, has the same folds; on a trunk there are no folds.
   */
  async #images(
    { files, checkpoint }: Pick<EstimateRequest, 'files' | 'checkpoint'>,
    asker: Asker,
    ordered: boolean,
  ): Promise<readonly OrderedImage[]> {
    const way = new Set(files.map(({ label }) => label)).size;
    const { crops } = viewPlan(checkpoint.views, { way, support: files.length });
    const pixels = await this.#decode(
      files.map(({ file }) => file),
      checkpoint.imageSize,
      asker,
      crops,
    );
    return files.map(({ label, file }, index) => ({
      label,
      pixels: pixels[index]!,
      order: ordered && !checkpoint.trunk ? fileOrder(file.bytes) : '',
    }));
  }

  async #make(
    id: string,
    request: TaskRequest<ImagesCheckpoint>,
    { support, allowed }: { readonly support: HashedSupport; readonly allowed: Allowed },
    spent: { readonly receive: number; readonly decode: number },
    watcher: Watcher,
  ): Promise<StoredTask> {
    const { checkpoint, steps, budget } = request;
    // before the adaptation, which empties the support set
    const [shots, shared] = [shotsOf(support), sharedImages(support)];
    const adapted = await this.#adapter.adaptImages(
      { checkpoint: checkpoint.id, steps, allowed, support: support.images },
      watcher,
    );
    checkWithin(budget, { ...adapted, bytes: adapted.model.length });
    // parsed, so that nothing but a whole and finite description is ever kept
    const record = imagesRecordSchema.parse({
      ...commonRecord(id, request, adapted, spent),
      kind: 'images',
      image: { size: checkpoint.imageSize },
      classes: adapted.labels.map((label) => ({ label, shots: shots.get(label)! })),
      budget,
      support: adapted.support,
      mirrored: adapted.mirrored,
      openSet: adapted.openSet,
      estimate: keptEstimate(adapted.labels, adapted.leftOut),
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

/** What an adaptation takes of an image. */
const pixelsOf = ({ label, pixels }: LabelledBytes): LabelledBytes => ({ label, pixels });
