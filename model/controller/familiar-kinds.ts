import type { ModelConfiguration } from '../configuration.ts';
import type { ParameterSpecification, Parameters } from '../layers/parameter-specification.ts';

/**
 * Where a controller has learned to choose by a few kinds of images, it says nothing of others. So it is heard where z_i lies
 * among the tasks of one of these kinds (docs/adr/0023-familiar-kinds.md).
 */

/**
 * How far z_i may lie from the center of a kind: mean over its dimensions of the squared distance, in deviations of the
 * kind's training tasks, whose own is 1 in the mean.
 */
export const familiarDistance = 4;

/** Center and inverse deviations of z_i, a row a kind; 0 until a run that teaches the choice ends. */
export function familiarSpecifications({
  controller,
  encoder,
}: ModelConfiguration): ParameterSpecification[] {
  const { kinds } = controller;
  if (kinds === undefined) return [];
  const shape = [kinds, encoder.state];
  return ['familiar.center', 'familiar.inverse'].map((name) => ({
    name,
    shape,
    group: 'familiar',
    deviation: 0,
    mean: 0,
  }));
}

/** How far z_i lies from each kind (familiarDistance); none for a model that names no kinds. */
export function familiarDistances(
  { controller: { kinds = 0 } }: ModelConfiguration,
  parameters: Parameters,
  embedding: Float32Array,
): number[] {
  const width = embedding.length;
  return Array.from({ length: kinds }, (_, kind) => {
    const own = (name: string): Float32Array => parameters[name]!.subarray(kind * width, (kind + 1) * width);
    const [center, inverse] = [own('familiar.center'), own('familiar.inverse')];
    return embedding.reduce((total, z, i) => total + ((z - center[i]!) * inverse[i]!) ** 2 / width, 0);
  });
}

/** Whether a task of this embedding is of a kind of images that the choice was learned on; so are all, of a model that names none. */
export function isFamiliar(
  configuration: ModelConfiguration,
  parameters: Parameters,
  embedding: Float32Array,
): boolean {
  const distances = familiarDistances(configuration, parameters, embedding);
  return distances.length === 0 || distances.some((distance) => distance <= familiarDistance);
}
