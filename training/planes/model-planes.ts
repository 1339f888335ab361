import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { repository, withoutTilde } from '../run/paths.ts';
import { planesSchema } from './configuration.ts';
import type { PlanesConfiguration } from './configuration.ts';

/**
 * Path of the card of a checkpoint's trunk: in `trunks/` beside the checkpoint, or bundled; undefined for one without.
 * @throws Error when the trunk is at neither place
 */
export function trunkCard(checkpoint: string, { trunk }: ModelConfiguration): string | undefined {
  if (!trunk) return undefined;
  const folders = [dirname(resolve(withoutTilde(checkpoint))), join(repository, 'checkpoints')];
  const places = folders.map((folder) => join(folder, 'trunks', `${trunk.name}.json`));
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Error(
    `${checkpoint} stands on the trunk ${trunk.name}, which is neither ${places.join(' nor ')}`,
  );
}

/**
 * The planes that a model on a trunk reads.
 * @param trunk path of the trunk's card
 * @param teacher the output whose features are kept, too
 */
export const planesOfModel = (
  model: ModelConfiguration,
  trunk: string,
  teacher?: string,
): PlanesConfiguration['planes'] =>
  planesSchema.parse({
    trunk,
    taps: model.trunk!.taps.map(({ name }) => name),
    side: Math.max(...model.trunk!.taps.map(({ side }) => side)),
    ...(teacher === undefined ? {} : { teacher }),
  });
