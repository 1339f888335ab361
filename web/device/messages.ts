import type { Schema } from '../../contract/schema.ts';
import type { Budget } from '../../model/adaptation/budget.ts';
import type { AdaptedTask } from '../../model/adaptation/adapt-task.ts';
import type { Estimated } from '../../model/accuracy/estimate.ts';
import type { ImagesEvaluation, Mistake } from '../../model/accuracy/judgements.ts';
import type { Backend } from './executor.ts';

/** An image of a support set, as it was chosen. */
export interface LabelledFile {
  readonly label: string;
  readonly file: Blob;
}

/** A trunk on the page's own server, which tells of it in its list of checkpoints. */
export type TrunkSource = Pick<Schema<'Trunk'>, 'name' | 'licence' | 'url' | 'sha256' | 'bytes'>;

/** What tasks are made from. */
export interface Sources {
  /** the checkpoint's file, on the page's own server */
  readonly checkpoint: { readonly url: string; readonly bytes: number };
  /** what the checkpoint stands on; undefined where it reads pixels */
  readonly trunk: TrunkSource | undefined;
  /** for loading both */
  readonly headers: Readonly<Record<string, string>>;
}

/** A task that is to be made in the browser. */
export interface AdaptRequest extends Sources {
  readonly steps: number;
  readonly budget?: Budget | undefined;
  readonly support: readonly LabelledFile[];
}

/** An exported model. */
export interface ModelRequest {
  readonly key: string;
  readonly model: Uint8Array;
  /** side of its input, pixels */
  readonly size: number;
}

/** What an exported model says of an image. */
export interface Predicted {
  /** in the order of the model's outputs */
  readonly probabilities: Float32Array;
  /** the probability to belong to one of the classes at all; models of earlier versions do not tell */
  readonly known?: number;
}

/** How fast an exported model is. */
export interface Latency {
  readonly backend: Backend;
  /** of one image through the model alone, the median of several runs */
  readonly milliseconds: number;
}

/** A task that was made in the browser. */
export type Adapted = AdaptedTask & {
  /** side of the model's input, pixels */
  readonly size: number;
  /** on a trunk: how images that were left out were classified, where a class has two images or more */
  readonly evaluation?: ImagesEvaluation;
  /** which of the images were told wrong when they were left out */
  readonly mistakes: readonly Mistake[];
};

/** What the worker can be asked for. */
export interface Calls {
  /** loads what every task needs, so that the first one does not wait for it */
  readonly prepare: { readonly request: Sources; readonly answer: undefined };
  readonly adapt: { readonly request: AdaptRequest; readonly answer: Adapted };
  /** of a checkpoint without a trunk, and a support set with a class of two images or more; undefined where there is none */
  readonly estimate: { readonly request: AdaptRequest; readonly answer: Estimated | undefined };
  /** of a file, or of a frame of the camera, which is let go of */
  readonly predict: {
    readonly request: ModelRequest & { readonly image: Blob | ImageBitmap };
    readonly answer: Predicted;
  };
  readonly measure: { readonly request: ModelRequest; readonly answer: Latency };
}

/** How far a call is. */
export interface Progress {
  readonly stage: 'runtime' | 'checkpoint' | 'trunk' | 'images' | 'architecture' | 'weights';
  /** bytes that are loaded, or images that are ready, and of how many */
  readonly done?: number;
  readonly total?: number;
}

/** First message to the worker. */
export interface Start {
  /** folder of onnxruntime-web's files */
  readonly onnxruntime: string;
}

export interface Call {
  readonly id: number;
  readonly name: keyof Calls;
  readonly request: unknown;
}

/** Ends a call; it is not answered any more. */
export interface Cancel {
  readonly cancel: number;
}

export type Reply =
  | { readonly id: number; readonly kind: 'progress'; readonly progress: Progress }
  | { readonly id: number; readonly kind: 'answer'; readonly answer: unknown }
  | { readonly id: number; readonly kind: 'error'; readonly message: string };
