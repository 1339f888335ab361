import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { encodeModel } from '../../model/graph/onnx/encode.ts';
import { sha256 } from '../../server/storage/sha256.ts';
import { randomTrunk, randomTrunkCard, randomTrunkCheckpoint, trunkConfiguration } from './random-trunk.ts';

const bytes = encodeModel(randomTrunk);

/** SHA-256 of the trunk's file. */
export const trunkHash = sha256(bytes);

/** Writes `id`.safetensors, a checkpoint of random parameters on `randomTrunk`, into a folder, and the trunk to `trunks/` there. */
export async function writeTrunkCheckpoint(
  folder: string,
  id: string,
  changes: Partial<NonNullable<ModelConfiguration['trunk']>> = {},
  genotypes: readonly Genotype[] = [],
  more: Partial<ModelConfiguration> = {},
): Promise<void> {
  const configuration = { ...trunkConfiguration(), ...more };
  const trunk = { ...configuration.trunk!, sha256: trunkHash, ...changes };
  const checkpoint = randomTrunkCheckpoint({ ...configuration, trunk }, { id, genotypes });
  await writeFile(join(folder, `${id}.safetensors`), encodeCheckpoint(checkpoint));
  await mkdir(join(folder, 'trunks'), { recursive: true });
  const card = { format: 'm-nas-trunk/1', ...randomTrunkCard, sha256: trunkHash };
  await writeFile(join(folder, 'trunks', 'tiny.json'), JSON.stringify(card));
  await writeFile(join(folder, 'trunks', 'tiny.onnx'), bytes);
}
