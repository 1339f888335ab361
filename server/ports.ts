import type { Schema } from './contract.ts';

/** A checkpoint as the service knows it; the parameters stay in the workers. */
export interface CheckpointInfo {
  readonly id: string;
  /** of the checkpoint's file, hexadecimal */
  readonly sha256: string;
  readonly bytes: number;
  /** side of the square input in pixels */
  readonly imageSize: number;
  /** inner steps when a request gives none */
  readonly steps: number;
}

/** What the bytes of a model depend on beside checkpoint, options and support set. */
export interface Toolchain {
  /** `exporterVersion` of model/export.ts */
  readonly exporter: number;
  readonly onnxruntime: string;
  /** onnxruntime's execution provider */
  readonly provider: string;
}

/** One image of the support set. */
export interface SupportImage {
  readonly label: string;
  /** planar RGB bytes [3, size, size] */
  readonly pixels: Uint8Array;
}

export interface AdaptRequest {
  /** id of a checkpoint in `checkpoints` */
  readonly checkpoint: string;
  readonly steps: number;
  readonly support: readonly SupportImage[];
}

/** What an adaptation gives; `model/adapt.ts` returns this shape. */
export interface Adaptation {
  /** sorted by code point, the order of the model's outputs */
  readonly labels: readonly string[];
  readonly genotype: Genotype;
  readonly weights: number;
  readonly multiplyAdds: number;
  readonly support: { readonly before: Schema<'Fit'>; readonly after: Schema<'Fit'> };
  /** ONNX: input `image` float32 [n, 3, s, s], outputs `logits` and `probabilities` [n, ways] */
  readonly model: Uint8Array;
  readonly embedding: Float32Array;
  /** milliseconds per stage */
  readonly timings: Readonly<Record<string, number>>;
}

interface CellGenotype {
  readonly nodes: readonly (readonly { readonly operation: Schema<'Operation'>; readonly input: number }[])[];
}
export interface Genotype {
  readonly normal: CellGenotype;
  readonly reduction: CellGenotype;
}

export interface PredictRequest {
  /** names the model in the workers' session caches: its SHA-256 */
  readonly key: string;
  readonly model: Uint8Array;
  readonly imageSize: number;
  /** planar RGB bytes [3, size, size] per image */
  readonly images: readonly Uint8Array[];
}

/** What the HTTP layer needs of the numeric layers. `adapter.ts` implements it over the worker pool. */
export interface TaskAdapter {
  /** the default first, the others by id */
  readonly checkpoints: readonly CheckpointInfo[];
  readonly toolchain: Toolchain;
  /** @throws ServiceError `overloaded` when the queue is full; the signal's reason */
  adapt(request: AdaptRequest, signal: AbortSignal): Promise<Adaptation>;
  /**
   * Probabilities per image, in the order of the task's labels.
   * @throws ServiceError `overloaded`, the signal's reason
   */
  predict(request: PredictRequest, signal: AbortSignal): Promise<readonly Float32Array[]>;
}

/** Planar RGB bytes [3, size, size] of an encoded image; `images/decode.ts` is the implementation. */
export type ImageDecoder = (bytes: Uint8Array, size: number) => Promise<Uint8Array>;

/** Whether the service may get traffic: workers have answered, and it is not shutting down. */
export interface Readiness {
  workersAnswered: boolean;
  draining: boolean;
}
