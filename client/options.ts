import type { Schema } from '../contract/schema.ts';

/** An event in the making of a task, by name, with its data. */
export type TaskEvent =
  | { readonly event: 'accepted' | 'started'; readonly data: object }
  | { readonly event: 'genotype'; readonly data: Schema<'Genotype'> | Schema<'RegressionGenotype'> }
  | { readonly event: 'fit'; readonly data: Schema<'ImagesStepFit'> | Schema<'RegressionStepFit'> }
  | { readonly event: 'ready'; readonly data: Schema<'Task'> }
  | { readonly event: 'failed'; readonly data: Schema<'Problem'> };

/** What a task's network may cost at most; whole numbers from 1. Refused with `budget-too-small` where none does. */
export interface Budget {
  readonly maxWeights?: number;
  /** of an image */
  readonly maxMultiplyAdds?: number;
  /** of the ONNX file */
  readonly maxBytes?: number;
}

/** What a task starts from, and may cost. */
export interface StartOptions extends Budget {
  readonly checkpoint?: string;
  /** inner gradient steps */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

export interface CreateOptions extends StartOptions {
  /** whether the task comes with an estimate of its accuracy: where it costs nothing, always, never */
  readonly estimate?: 'auto' | 'always' | 'none';
  /**
   * told how the task comes along, and what the service said when it took the task on; without it the request waits in
   * silence
   */
  readonly onEvent?: (event: TaskEvent, accepted: Schema<'TaskProgress'>) => void;
}

export interface EvaluateOptions {
  /** below this probability of belonging to a class at all an image is unknown, which counts as wrong */
  readonly threshold?: number;
  readonly signal?: AbortSignal;
}

export interface WaitOptions {
  /** for which it is waited, 60 by default */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
}

export interface ModelOptions {
  readonly weights?: 'float32' | 'int8';
  readonly signal?: AbortSignal;
}

export interface CheckpointsOptions {
  /** number of classes that the costs of architectures are told for, 5 by default */
  readonly ways?: number;
  readonly signal?: AbortSignal;
}

export interface PredictOptions {
  /** ranks so many labels */
  readonly top?: number;
  /** below this probability of belonging to a class at all an image is unknown */
  readonly threshold?: number;
  readonly signal?: AbortSignal;
}

/** The parameters of a request for a task. */
export const queryOf = ({
  checkpoint,
  steps,
  estimate,
  maxWeights,
  maxMultiplyAdds,
  maxBytes,
}: CreateOptions) => ({
  ...(checkpoint !== undefined && { checkpoint }),
  ...(steps !== undefined && { steps }),
  ...(estimate !== undefined && { estimate }),
  ...(maxWeights !== undefined && { maxWeights }),
  ...(maxMultiplyAdds !== undefined && { maxMultiplyAdds }),
  ...(maxBytes !== undefined && { maxBytes }),
});
