import {
  broadcast,
  divide,
  exp,
  multiply,
  reshape,
  subtract,
  sum,
  tanh,
} from '../../../model/graph/operations.ts';
import type { Tensor } from '../../../model/graph/primitives.ts';
import type { Weights } from '../../../model/graph/weights.ts';
import { denseSpecifications } from '../../../model/layers/parameter-specification.ts';
import type { ParameterSpecification } from '../../../model/layers/parameter-specification.ts';
import { dense } from '../../../model/layers/primitive-layers.ts';

/** Clusters of each level above the task itself (Yao et al. 2019, 4 → 2 → 1). */
const levels = [4, 2, 1] as const;

/** Centers of the clusters and the layers between their levels, for embeddings of length `state`. */
export function treeSpecifications(state: number): ParameterSpecification[] {
  return levels.flatMap((clusters, level) => [
    {
      name: `tree.${level}.centers`,
      shape: [clusters, state],
      group: 'modulator' as const,
      deviation: 0.1,
      mean: 0,
    },
    ...denseSpecifications('modulator', `tree.${level}`, state, state),
  ]);
}

/**
 * HSML's soft clustering tree: from the tasks' embeddings [t, d] to its root [t, d]. A vertex belongs to the clusters of
 * the next level by exp(-‖z - c‖² / 2σ).
 */
export function climb(embedding: Tensor, sigma: number, theta: Weights): Tensor {
  const [t, d] = embedding.shape as [number, number];
  let vertices = reshape(embedding, [t, 1, d]);
  levels.forEach((clusters, level) => {
    const below = vertices.shape[1]!;
    const shape = [t, below, clusters, d];
    const centers = broadcast(reshape(theta(`tree.${level}.centers`), [1, 1, clusters, d]), shape);
    const distance = subtract(broadcast(reshape(vertices, [t, below, 1, d]), shape), centers);
    const closeness = exp(multiply(sum(multiply(distance, distance), [3]), -1 / (2 * sigma))); // [t, below, clusters, 1]
    const shares = divide(closeness, broadcast(sum(closeness, [2]), closeness.shape));
    const rows = reshape(vertices, [t * below, d]);
    const raised = tanh(dense(rows, theta(`tree.${level}.weight`), theta(`tree.${level}.bias`)));
    const parts = multiply(broadcast(reshape(raised, [t, below, 1, d]), shape), broadcast(shares, shape));
    vertices = reshape(sum(parts, [1]), [t, clusters, d]);
  });
  return reshape(vertices, [t, d]);
}
