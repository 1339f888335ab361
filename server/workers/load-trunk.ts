import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledTrunk, readTrunk } from '../../engine/trunk/file.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { canHalve } from '../../model/trunk/halve.ts';
import { TrunkError } from '../../model/trunk/trunk.ts';
import type { CheckpointInfo, ServedTrunk } from '../ports.ts';

const bundledTrunks = dirname(fileURLToPath(bundledTrunk));

/** Where a trunk's card is: in `trunks` beside the checkpoint, or among those that come with the service. */
function cardOf(name: string, folder: string): string {
  const places = [join(folder, 'trunks'), bundledTrunks].map((place) => join(place, `${name}.json`));
  return places.find((path) => existsSync(path)) ?? places[0]!;
}

/**
 * The trunk that a checkpoint of images in the folder names; undefined where it stands on none.
 * @throws TrunkError of one line when it is missing, another one, or has not the taps that the checkpoint reads
 */
export async function servedTrunk(
  { trunk }: Pick<ModelConfiguration, 'trunk'>,
  folder: string,
): Promise<ServedTrunk | undefined> {
  if (!trunk) return undefined;
  const path = cardOf(trunk.name, folder);
  const { card, bytes } = await readTrunk(path);
  if (card.sha256 !== trunk.sha256)
    throw new TrunkError(
      `trunk ${path}: its file has the SHA-256 ${card.sha256}, the checkpoint was trained on ${trunk.sha256}`,
    );
  for (const { name, channels, side } of trunk.taps) {
    const tap = card.taps[name];
    if (tap?.channels !== channels || !canHalve(tap.side, side))
      throw new TrunkError(
        `trunk ${path}: it has no tap ${name} of ${channels} planes that halve to ${side} px`,
      );
  }
  const { name, licence, side, sha256 } = card;
  const multiplyAdds = Math.max(...trunk.taps.map((tap) => card.taps[tap.name]!.multiplyAdds));
  return { name, licence, side, sha256, bytes: bytes.length, card: path, multiplyAdds };
}

/**
 * The bytes of a trunk's file by its hash.
 * @throws Error when there is none, or its file has changed
 */
export async function readTrunkFile(
  checkpoints: readonly CheckpointInfo[],
  hash: string,
): Promise<Uint8Array> {
  const trunk = servedTrunks(checkpoints).find((known) => known.sha256 === hash);
  if (!trunk) throw new Error(`there is no trunk ${hash}`);
  const { card, bytes } = await readTrunk(trunk.card);
  if (card.sha256 !== hash) throw new Error(`${trunk.card} changed while the service was running`);
  return bytes;
}

/** The trunks that checkpoints stand on. */
export const servedTrunks = (checkpoints: readonly CheckpointInfo[]): ServedTrunk[] =>
  checkpoints.flatMap((known) => (known.kind === 'images' && known.trunk ? [known.trunk] : []));
