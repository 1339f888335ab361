import type { Tensor } from './primitives.ts';

/** Gives the tensor of a named weight. */
export type Weights = (name: string) => Tensor;
