import { readFile } from 'node:fs/promises';
import { CheckpointError, decodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { isMissing } from './missing-file.ts';
import { withoutTilde } from './paths.ts';

/** Reads a checkpoint of images. @throws Error of one line that names the file when there is none, or no checkpoint in it */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  try {
    return decodeCheckpoint(await readFile(withoutTilde(path)));
  } catch (error) {
    if (isMissing(error)) throw new Error(`there is no checkpoint ${path}`, { cause: error });
    if (error instanceof CheckpointError) throw new Error(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
