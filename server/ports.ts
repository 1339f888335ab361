import type { CellsPicture } from '../drawing/draw-cells.ts';
import type { AdaptationEvent, AdaptedTask } from '../model/adaptation/adapt-task.ts';
import type { AllowedGenotype } from '../model/adaptation/budget.ts';
import type { GenotypeCost } from '../model/adaptation/child-cost.ts';
import type { AdaptationCost } from '../model/adaptation/cost.ts';
import type { AdaptedRegression, Point, RegressionEvent } from '../model/regression/adapt.ts';
import type { ServedRegression } from '../model/regression/checkpoint.ts';
import type { ModelConfiguration } from '../model/configuration.ts';
import type { TensorValue } from '../model/graph/executor.ts';

interface CommonInfo {
  readonly id: string;
  /** whether tasks of its kind start from it that name none */
  readonly default: boolean;
  /** of the checkpoint's file, hexadecimal */
  readonly sha256: string;
  readonly bytes: number;
  /** inner steps when a request gives none */
  readonly steps: number;
}

export interface ImagesCheckpoint extends CommonInfo {
  readonly kind: 'images';
  /** side of the square input in pixels */
  readonly imageSize: number;
  /** number of the architectures that its controller chooses among; 0: any */
  readonly genotypes: number;
  /** which views of their images support sets are adapted to */
  readonly views: Pick<ModelConfiguration, 'mirroring' | 'crops'>;
  /** of a view, what computes its planes excepted */
  readonly cost: AdaptationCost;
  /** what its cells read in place of pixels */
  readonly trunk?: ServedTrunk;
  /** whether its files tell the ranges of their tensors */
  readonly int8: boolean;
}

/** A trunk as the service knows it; its graph stays in the workers. */
export interface ServedTrunk {
  readonly name: string;
  /** of the trunk's file, hexadecimal */
  readonly sha256: string;
  readonly bytes: number;
  readonly licence: string;
  /** of the square images that enter, px */
  readonly side: number;
  /** path of its card */
  readonly card: string;
  /** multiply-adds of one view's planes, as far as the checkpoint reads them */
  readonly multiplyAdds: number;
}

export interface RegressionCheckpoint extends CommonInfo {
  readonly kind: 'regression';
  /** how its encoder reads points: as they come, or by x */
  readonly order: ServedRegression['order'];
}

/** A checkpoint as the service knows it; the parameters stay in the workers. */
export type CheckpointInfo = ImagesCheckpoint | RegressionCheckpoint;

/** What a task is about. */
export type Kind = CheckpointInfo['kind'];

/** What the bytes of a model depend on beside checkpoint, options and support set. */
export interface Toolchain {
  /** `exporterVersion` of model/adaptation/export-child.ts */
  readonly exporter: number;
  readonly onnxruntime: string;
  /** onnxruntime's execution provider */
  readonly provider: string;
}

/** An image of a support set as the service has it; the model's `LabelledImage` has floats. */
export interface LabelledBytes {
  readonly label: string;
  /** planar RGB bytes [1 + crops, 3, size, size]: the whole image, then its crops where the checkpoint takes any */
  readonly pixels: Uint8Array;
}

interface AdaptRequest {
  /** id of a checkpoint in `checkpoints`, of the same kind */
  readonly checkpoint: string;
  readonly steps: number;
}

export interface AdaptImagesRequest extends AdaptRequest {
  /** Taken over: it may be emptied as soon as the pixels are not needed any more. */
  readonly support: LabelledBytes[];
  /** what a budget leaves of the checkpoint's architectures; all where absent */
  readonly allowed?: readonly AllowedGenotype[] | undefined;
}

export interface AdaptRegressionRequest extends AdaptRequest {
  readonly support: readonly Point[];
}

/** How an adaptation comes along: the queue has taken it, a worker has begun, and what the model layer tells. */
export type AdaptationReport =
  { readonly kind: 'accepted' } | { readonly kind: 'started' } | AdaptationEvent | RegressionEvent;

/** A client that waits for work, as those who do the work know it. */
export interface Asker {
  /** whom the work counts for: `callerOf` of access/access.ts */
  readonly client: string;
  /** aborts when it does not wait any more */
  readonly signal: AbortSignal;
  /** when it must have its answer, by `performance.now()`; absent where the work goes on without it */
  readonly deadline?: number;
}

/** Whoever waits for an adaptation, or only watches it. */
export interface Watcher extends Asker {
  readonly report: (event: AdaptationReport) => void;
}

/** An exported model, and the name under which workers keep its session: its SHA-256. */
export interface ModelFile {
  readonly key: string;
  readonly model: Uint8Array;
  /** of one row of the input */
  readonly multiplyAdds: number;
}

/** How weights may be stored beside as the file was made: for runtimes that have no float16, and for small ones. */
export const storedWeights = ['float32', 'int8'] as const;
export type StoredWeights = (typeof storedWeights)[number];

/** A model's file whose weights are stored otherwise. */
export interface StoredModel {
  readonly model: Uint8Array<ArrayBuffer>;
  /** of the file, hexadecimal */
  readonly sha256: string;
}

export interface StoredModelRequest extends Pick<ModelFile, 'model'> {
  readonly weights: StoredWeights;
}

/** Images in one run of a model: more bring no speed. */
export const imagesBatch = 25;

export interface PredictImagesRequest extends ModelFile {
  readonly imageSize: number;
  /** planar RGB bytes [3, size, size] per image */
  readonly images: readonly Uint8Array[];
}

/** An exported file and the whole images of the support set that it is of. */
export type TellRangesRequest = Omit<PredictImagesRequest, 'key'>;

export interface PredictedImages {
  /** per image, in the order of the task's labels */
  readonly probabilities: readonly Float32Array[];
  /** per image the probability that it belongs to one of the classes; absent where the model was exported without */
  readonly known?: Float32Array;
}

export interface PredictRegressionRequest extends ModelFile {
  readonly x: Float32Array;
}

export interface InferRequest extends ModelFile {
  /** the model's one input, [n, ...] */
  readonly input: TensorValue & { readonly name: string };
  /** rows in one run */
  readonly batch: number;
}

/**
 * What the HTTP layer needs of the numeric layers. `workers/pool-adapter.ts` implements it over the worker
 * pool. All that is asked of it throws the ServiceError `overloaded` when the queue is full, and the
 * signal's reason; adaptations also `too-much-work`, `too-much-at-once` and `deadline-exceeded`, by their
 * estimated cost and before any work.
 */
export interface TaskAdapter {
  /** the default of each kind first, the others by id */
  readonly checkpoints: readonly CheckpointInfo[];
  readonly toolchain: Toolchain;
  /**
   * What the architectures of a checkpoint of images cost for so many classes, in their order; counted once, by the
   * workers, before all that adapts.
   */
  genotypeCosts(checkpoint: string, way: number): Promise<readonly GenotypeCost[]>;
  /**
   * The model has the input `image` float32 [n, 3, s, s], and the outputs `logits` and `probabilities` [n, ways] and
   * `known` [n, 1].
   */
  adaptImages(request: AdaptImagesRequest, watcher: Watcher): Promise<AdaptedTask>;
  /** @throws ServiceError `not-adaptable` */
  adaptRegression(request: AdaptRegressionRequest, watcher: Watcher): Promise<AdaptedRegression>;
  predictImages(request: PredictImagesRequest, asker: Asker): Promise<PredictedImages>;
  /** y by x. */
  predictRegression(request: PredictRegressionRequest, asker: Asker): Promise<Float32Array>;
  /** All outputs of a model by name. */
  infer(request: InferRequest, asker: Asker): Promise<Readonly<Record<string, TensorValue>>>;
  /** The file with the ranges of its tensors on the support set, so that `storedModel` can make a twin of 8-bit integers. */
  tellRanges(request: TellRangesRequest, asker: Asker): Promise<Uint8Array>;
  /**
   * The same model stored otherwise; null where it tells no ranges and int8 is asked for. The last few are kept, for those
   * who load them in ranges.
   */
  storedModel(
    file: Pick<ModelFile, 'key' | 'model'>,
    weights: StoredWeights,
    client: string,
  ): Promise<StoredModel | null>;
  /** An SVG document. */
  drawCells(picture: CellsPicture, asker: Asker): Promise<string>;
  /**
   * Seconds that a further adaptation for the client would wait for a worker, as estimated; 0 where it
   * would not.
   */
  waitFor(client: string): number;
}

/** The file of a checkpoint, by its id, or of a trunk, by its hash: the bytes whose hash its CheckpointInfo has. */
export type CheckpointReader = (id: string) => Promise<Uint8Array>;

/**
 * Planar RGB bytes [1 + crops, 3, size, size] of an encoded image, no crops unless they are asked for;
 * `upload/decode-views.ts` is the implementation.
 */
export type ImageDecoder = (bytes: Uint8Array, size: number, crops?: number) => Promise<Uint8Array>;

/** Whether the service may get traffic. */
export interface Readiness {
  /** all workers have compiled what usual requests ask of them, and one at least lives */
  readonly workersReady: boolean;
  /** it is shutting down */
  draining: boolean;
}
