import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeCheckpoint } from '../model/checkpoint.ts';
import { compareCodePoints, sha256 } from './identity.ts';
import type { CheckpointInfo } from './ports.ts';

/** A checkpoint's file, as the workers load it. */
export interface CheckpointFile extends CheckpointInfo {
  readonly path: string;
}

/** The checkpoints cannot be served as configured; thrown at start. */
export class CheckpointSetupError extends Error {
  override readonly name = 'CheckpointSetupError';
}

/**
 * Reads and checks every `*.safetensors` of the folders. Sorted by id, the default first.
 * @throws CheckpointSetupError when a file is no checkpoint, two different files have one id or the default is missing
 */
export async function loadCheckpoints(
  folders: readonly string[],
  defaultId: string | undefined,
): Promise<readonly CheckpointFile[]> {
  const byId = new Map<string, CheckpointFile>();
  for (const path of (await Promise.all(folders.map(listFiles))).flat()) {
    const file = await readCheckpoint(path);
    const other = byId.get(file.id);
    if (other && other.sha256 !== file.sha256)
      throw new CheckpointSetupError(`${path} and ${other.path} have the same id ${file.id}`);
    byId.set(file.id, other ?? file);
  }
  if (defaultId !== undefined && !byId.has(defaultId))
    throw new CheckpointSetupError(
      `the default checkpoint ${defaultId} is not among: ${[...byId.keys()].join(', ')}`,
    );
  const rank = (file: CheckpointFile) => (file.id === defaultId ? 0 : 1);
  return [...byId.values()].sort((a, b) => rank(a) - rank(b) || compareCodePoints(a.id, b.id));
}

async function listFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => name.endsWith('.safetensors'))
    .sort(compareCodePoints)
    .map((name) => join(folder, name));
}

async function readCheckpoint(path: string): Promise<CheckpointFile> {
  const bytes = await readFile(path);
  try {
    const { id, configuration } = decodeCheckpoint(bytes);
    return {
      id,
      path,
      sha256: sha256(bytes),
      bytes: bytes.length,
      imageSize: configuration.image.size,
      steps: configuration.innerLoop.steps,
    };
  } catch (error) {
    throw new CheckpointSetupError(`${path} is not a checkpoint`, { cause: error });
  }
}
