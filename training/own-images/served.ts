import { mkdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isWorse } from './comparison.ts';
import type { Compared } from './comparison.ts';
import { writeAtomically } from '../run/write-atomically.ts';
import type { RunFolder } from '../run/run-folder.ts';

/**
 * Puts a run's checkpoint into a folder of its own, as the service takes it, for the run's folder has other files of the same
 * kind.
 * @returns the command that serves it as the default
 */
export async function servingCommand(folder: RunFolder, id: string): Promise<string> {
  const served = join(folder.path, 'served');
  await mkdir(served, { recursive: true });
  await writeAtomically(join(served, `${id}.safetensors`), await readFile(folder.checkpointPath));
  const near = relative('', served);
  const path = near.startsWith('..') ? served : near;
  return `MNAS_CHECKPOINTS=${quoted(path)} MNAS_DEFAULT_CHECKPOINT=${id} npm start`;
}

/** The last line of a run: how its checkpoint is served; none where the comparison says that it is not to be. */
export const servingLine = (command: string, compared: readonly Compared[] = []): string | undefined =>
  compared.length > 0 && isWorse(compared) ? undefined : `serve it:   ${command}`;

/** A path as a shell takes it. */
const quoted = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
