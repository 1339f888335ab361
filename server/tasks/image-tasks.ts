import type { Schema } from '../../contract/schema.ts';
import { ServiceError } from '../errors/errors.ts';
import { fileOrder } from '../../model/accuracy/folds.ts';
import type { Mistake } from '../../model/accuracy/judgements.ts';
import { viewPlan } from '../../model/adaptation/support-views.ts';
import { fileOf } from './model-file.ts';
import { hashSupport, imagesTaskId, sharedImages } from './identity.ts';
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
import type { ImagesRecord } from '../storage/record.ts';
import type { StoredTask } from '../storage/storage.ts';
import type { EstimateOrder, ImagesOrder, OrderedImage, Workplace } from './orders.ts';
import { allowedBy } from './task-budget.ts';
import { sinceEpoch } from './task-record.ts';
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
  readonly #workplace: Workplace;

  /** @param workplace where tasks are made, estimated and evaluated; predictions are the adapter's */
  constructor(adapter: TaskAdapter, decode: UploadDecoder, workplace: Workplace) {
    this.#adapter = adapter;
    this.#decode = decode;
    this.#workplace = workplace;
  }

  /**
   * The task of a support set: its id and how to make it.
   * @throws ServiceError when an image cannot be used, or no architecture is within the budget; the signal's reason
   */
  async plan(request: ImagesTaskRequest, asker: Asker): Promise<ImagesTaskPlan> {
    const receivedAt = performance.now();
    const { checkpoint, steps, budget, startedAt, requestId } = request;
    const { estimated = false } = request;
    const allowed = await this.#allowed(request);
    const images = await this.#images(request, asker, estimated);
    const support = await hashSupport(images.map(pixelsOf));
    asker.signal.throwIfAborted();
    const id = imagesTaskId({ checkpoint, steps, budget, toolchain: this.#adapter.toolchain }, support);
    const spent = { receive: receivedAt - startedAt, decode: performance.now() - receivedAt };
    const order: ImagesOrder = {
      id,
      kind: 'images',
      checkpoint: { id: checkpoint.id, sha256: checkpoint.sha256 },
      steps,
      requestId,
      requestedAt: sinceEpoch(startedAt),
      spent,
      budget,
      allowed,
      support: support.images,
      shared: sharedImages(support),
    };
    const make = (watcher: Watcher) => this.#workplace.make(order, watcher);
    const plan = { id, kind: 'images' as const, steps, requestId, make };
    return estimated
      ? { ...plan, estimate: this.#laterEstimate(estimateOrder(request, allowed, images)) }
      : plan;
  }

  #allowed({ budget, checkpoint, files }: EstimateRequest): Promise<Allowed> {
    return allowedBy(budget, this.#adapter, checkpoint, [...new Set(files.map(({ label }) => label))]);
  }

  /** Apart from `plan`, whose functions would keep the pixels of every task otherwise, estimated or not. */
  #laterEstimate(order: EstimateOrder): NonNullable<ImagesTaskPlan['estimate']> {
    return async (asker) => {
      const estimate = await this.#workplace.estimate(order, asker);
      return estimate && { folds: estimate.folds, evaluation: estimate.evaluation };
    };
  }

  /**
   * What the exported model says of every file, in their order.
   * @throws ServiceError when an image cannot be used or the service is overloaded; the signal's reason
   */
  async predict(
    task: StoredTask<ImagesRecord>,
    files: readonly UploadedFile[],
    asker: Asker,
  ): Promise<PredictedImages> {
    const { size } = task.record.image;
    const images = await this.#decode(files, size, asker);
    return this.#adapter.predictImages({ ...fileOf(task), imageSize: size, images }, asker);
  }

  /**
   * The same, of files whose labels are known and that may be many.
   * @throws as `predict` does, and `queue-unavailable`
   */
  async evaluate(
    task: StoredTask<ImagesRecord>,
    files: readonly UploadedFile[],
    asker: Asker,
  ): Promise<PredictedImages> {
    const images = await this.#decode(files, task.record.image.size, asker);
    return this.#workplace.evaluateImages({ kind: 'images-evaluation', task, images }, asker);
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
    const estimate = await this.#workplace.estimate(estimateOrder(request, allowed, images), asker);
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
}

/** Mistakes with what the client called their files. */
const named = (
  mistakes: readonly Mistake[],
  files: readonly LabelledFile[],
): Schema<'Estimate'>['mistakes'] =>
  mistakes.map(({ place, label, given }) => ({ ...whereIs(files[place]!.file), label, given }));

const estimateOrder = (
  { checkpoint, steps }: EstimateRequest,
  allowed: Allowed,
  images: readonly OrderedImage[],
): EstimateOrder => ({ kind: 'estimate', checkpoint: checkpoint.id, steps, allowed, images });

/** What an adaptation takes of an image. */
const pixelsOf = ({ label, pixels }: LabelledBytes): LabelledBytes => ({ label, pixels });
