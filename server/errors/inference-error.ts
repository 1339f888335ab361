import type { Schema } from '../../contract/schema.ts';
import type { ServiceError } from './errors.ts';

/** Whether a path belongs to the Open Inference Protocol, whose errors have a form of their own. */
export const isInference = (path: string): boolean => /^\/v2(\/|$)/.test(path);

/** An error in the form of the protocol. */
export const inferenceErrorOf = (error: ServiceError): Schema<'InferenceError'> => ({ error: error.message });
