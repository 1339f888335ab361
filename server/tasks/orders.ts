import type { Estimated } from '../../model/accuracy/estimate.ts';
import type { Budget } from '../../model/adaptation/budget.ts';
import type { Point } from '../../model/regression/adapt.ts';
import type {
  AdaptImagesRequest,
  Asker,
  CheckpointInfo,
  Kind,
  LabelledBytes,
  PredictedImages,
  Watcher,
} from '../ports.ts';
import type { ImagesRecord, RegressionRecord } from '../storage/record.ts';
import type { StoredTask } from '../storage/storage.ts';
import type { SharedImages } from './identity.ts';

/** What every order of a task says. An order is data alone, so that a process elsewhere can fulfil it. */
interface CommonOrder {
  /** of the task, by its content */
  readonly id: string;
  readonly kind: Kind;
  readonly checkpoint: Pick<CheckpointInfo, 'id' | 'sha256'>;
  readonly steps: number;
  readonly requestId: string;
  /** when the request arrived, milliseconds since 1970 */
  readonly requestedAt: number;
  /** milliseconds of the stages before the adaptation */
  readonly spent: Readonly<Record<string, number>>;
}

export interface ImagesOrder extends CommonOrder {
  readonly kind: 'images';
  readonly budget?: Budget | undefined;
  /** what the budget leaves of the checkpoint's architectures; all where absent */
  readonly allowed: AdaptImagesRequest['allowed'];
  /** Taken over: it may be emptied as soon as the pixels are not needed any more. */
  readonly support: LabelledBytes[];
  /** labels that have images in common */
  readonly shared: readonly SharedImages[] | undefined;
}

export interface RegressionOrder extends CommonOrder {
  readonly kind: 'regression';
  /** in the order in which the checkpoint reads them */
  readonly points: readonly Point[];
}

/** A task that is to be made. */
export type TaskOrder = ImagesOrder | RegressionOrder;

/** An image of a support set, and where it stands in the order by which folds leave out. */
export interface OrderedImage extends LabelledBytes {
  readonly order: string;
}

/** The accuracy of a support set's task by leaving out images. */
export interface EstimateOrder {
  readonly kind: 'estimate';
  /** id of a checkpoint of images */
  readonly checkpoint: string;
  readonly steps: number;
  readonly allowed: AdaptImagesRequest['allowed'];
  /** in the order of the files */
  readonly images: readonly OrderedImage[];
}

/** What a task's model says of images whose labels are known. */
export interface ImagesEvaluationOrder {
  readonly kind: 'images-evaluation';
  readonly task: StoredTask<ImagesRecord>;
  /** planar RGB bytes [3, size, size] per image */
  readonly images: readonly Uint8Array[];
}

/** What a regression task's model says of points whose y are known. */
export interface PointsEvaluationOrder {
  readonly kind: 'points-evaluation';
  readonly task: StoredTask<RegressionRecord>;
  /** [n] */
  readonly x: Float32Array;
}

/** A task that was made. */
export interface MadeTask extends StoredTask {
  /** whether its storage has it already, made for this request or `joined` from another one; absent where it has not */
  readonly kept?: 'made' | 'joined';
}

/** Where orders are fulfilled: in this process, or in those of a queue. */
export interface Workplace {
  /** @throws what the `TaskAdapter` throws, `budget-too-small`, `queue-unavailable`; the signal's reason */
  make(order: TaskOrder, watcher: Watcher): Promise<MadeTask>;
  /** Undefined where there is nothing to leave out. @throws as `make` does */
  estimate(order: EstimateOrder, asker: Asker): Promise<Estimated | undefined>;
  /** Per image, in their order. @throws as `make` does */
  evaluateImages(order: ImagesEvaluationOrder, asker: Asker): Promise<PredictedImages>;
  /** y by x, [n]. @throws as `make` does */
  evaluatePoints(order: PointsEvaluationOrder, asker: Asker): Promise<Float32Array>;
}
