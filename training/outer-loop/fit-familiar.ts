import type { EmbeddedTask } from './fit-mirroring.ts';

/** Added to a deviation: a dimension that no task of a kind moves decides little. */
const leastDeviation = 1e-3;

/** Center and inverse deviations of the embeddings of each kind's tasks, [kinds, state] each. */
export interface FamiliarKinds {
  readonly center: Float32Array;
  readonly inverse: Float32Array;
}

/**
 * What the controller's kinds are (model/controller/familiar-kinds.ts), a kind a domain.
 * @throws RangeError when one of `kinds` domains has no task
 */
export function fitFamiliar(tasks: readonly EmbeddedTask[], kinds: number): FamiliarKinds {
  const width = tasks[0]?.embedding.length ?? 0;
  const center = new Float32Array(kinds * width);
  const inverse = new Float32Array(kinds * width);
  for (let kind = 0; kind < kinds; kind++) {
    const own = tasks.filter(({ domain }) => domain === kind);
    if (own.length === 0) throw new RangeError(`kind ${kind} of the controller has no task to be fitted to`);
    for (let i = 0; i < width; i++) {
      const values = own.map(({ embedding }) => embedding[i]!);
      const mean = values.reduce((total, z) => total + z, 0) / own.length;
      const square = values.reduce((total, z) => total + (z - mean) ** 2, 0) / own.length;
      center[kind * width + i] = mean;
      inverse[kind * width + i] = 1 / (Math.sqrt(square) + leastDeviation);
    }
  }
  return { center, inverse };
}
