import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { byCodePoint } from '../model/canonical.ts';
import { decodeCheckpoint } from '../model/checkpoint.ts';
import { sha256 } from './identity.ts';
import type { CheckpointInfo } from './ports.ts';

/** A checkpoint's file, as the workers load it. */
export interface CheckpointFile extends CheckpointInfo {
  readonly path: string;
}

/** The checkpoints cannot be served as configured; thrown at start. */
export class CheckpointSetupError extends Error {
  override readonly name = 'CheckpointSetupError';
}

export interface CheckpointSources {
  /** the folder that comes with the service; it may be missing */
  readonly bundled: string;
  /** MNAS_CHECKPOINTS */
  readonly added: string | undefined;
  /** MNAS_DEFAULT_CHECKPOINT */
  readonly defaultId: string | undefined;
}

/**
 * Reads and checks every `*.safetensors` of the folders: the default first, the others by id. Without a default by
 * name it is the first one bundled, which an added checkpoint must not replace unasked.
 * @throws CheckpointSetupError when a folder cannot be read, a file is no checkpoint, two different files have one id
 *   or the default is missing
 */
export async function loadCheckpoints(sources: CheckpointSources): Promise<readonly CheckpointFile[]> {
  const bundled = existsSync(sources.bundled) ? await readFolder(sources.bundled) : [];
  const added = sources.added === undefined ? [] : await readFolder(sources.added, 'MNAS_CHECKPOINTS: ');
  const files = withoutCopies([...bundled, ...added]);
  const defaultId = sources.defaultId ?? (bundled[0] ?? files[0])?.id;
  if (defaultId !== undefined && !files.some(({ id }) => id === defaultId))
    throw new CheckpointSetupError(
      `MNAS_DEFAULT_CHECKPOINT: ${defaultId} is not among: ${files.map(({ id }) => id).join(', ')}`,
    );
  return [...files.filter(({ id }) => id === defaultId), ...files.filter(({ id }) => id !== defaultId)];
}

/** A folder's checkpoints by id; `source` is where an error says that the folder was named. */
async function readFolder(folder: string, source = ''): Promise<CheckpointFile[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw new CheckpointSetupError(`${source}the folder ${folder} cannot be read (${String(error)})`, {
      cause: error,
    });
  }
  const paths = names.filter((name) => name.endsWith('.safetensors')).map((name) => join(folder, name));
  return (await Promise.all(paths.sort(byCodePoint).map(readCheckpoint))).sort(byId);
}

const byId = (a: CheckpointFile, b: CheckpointFile) => byCodePoint(a.id, b.id);

/** By id. @throws CheckpointSetupError when files with one id differ */
function withoutCopies(files: readonly CheckpointFile[]): CheckpointFile[] {
  const kept = new Map<string, CheckpointFile>();
  for (const file of files) {
    const other = kept.get(file.id) ?? file;
    if (other.sha256 !== file.sha256)
      throw new CheckpointSetupError(`${file.path} and ${other.path} have the same id ${file.id}`);
    kept.set(file.id, other);
  }
  return [...kept.values()].sort(byId);
}

async function readCheckpoint(path: string): Promise<CheckpointFile> {
  try {
    const bytes = await readFile(path);
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
