import type { Values } from '../graph/programs.ts';

/** How a training step relaxes the architecture: path dropout, the temperature of its softmax, and what being undecided costs. */
export interface Relaxation {
  /** 0 drops a candidate operation of an edge; [2 · edges, 8]. */
  readonly mask: Float32Array | null;
  readonly alphaTemperature: number;
  /** Factor of the architecture's entropy in the loss; 0 or absent: it is no part of it. */
  readonly entropyWeight?: number;
}

/** The relaxation of what is not a search step: none. */
export const noRelaxation: Relaxation = { mask: null, alphaTemperature: 1 };

/** The inputs of a graph that carry a relaxation. */
export const relaxationInputs = ({ mask, alphaTemperature }: Relaxation): Values => ({
  'alpha.temperature': Float32Array.of(alphaTemperature),
  ...(mask ? { 'path.mask': mask } : {}),
});
