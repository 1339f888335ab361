import type { Tensor } from './graph/primitives.ts';

/** Gives the tensor of a named weight. */
export type Weights = (name: string) => Tensor;
