import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { cellsSource } from '../../model/search-space/genotype.ts';

/** How the sources of features of a checkpoint on a trunk are weighed once its cells are taught own images. */
export interface FreedShares {
  /** Share of the cells at the start, 0 to 1; the taps share the rest as in the checkpoint. */
  readonly cells: number;
  /** As in `model.trunk.shares`. */
  readonly bound: number;
}

const layer = 'conditions.shares';

/**
 * A checkpoint whose shares start anew, and are the same for all tasks at first. The bundled checkpoint's are bound to the trunk,
 * since it must answer kinds of images that its cells do not know; own images are one kind, which the cells are taught.
 * Without bound shares a checkpoint stays as it is.
 */
export function withFreedShares(checkpoint: Checkpoint, { cells, bound }: FreedShares): Checkpoint {
  const { configuration, parameters } = checkpoint;
  const { trunk } = configuration;
  if (!trunk?.shares) return checkpoint;
  const before = Object.entries(trunk.shares.start).filter(([source]) => source !== cellsSource);
  const total = before.reduce((sum, [, share]) => sum + share, 0);
  const start = {
    [cellsSource]: cells,
    ...Object.fromEntries(before.map(([source, share]) => [source, ((1 - cells) * share) / total])),
  };
  const zeroed = ['weight', 'bias'].map((part) => {
    const name = `${layer}.${part}`;
    return [name, new Float32Array(parameters[name]!.length)] as const;
  });
  return {
    ...checkpoint,
    configuration: { ...configuration, trunk: { ...trunk, shares: { start, bound } } },
    parameters: { ...parameters, ...Object.fromEntries(zeroed) },
  };
}
