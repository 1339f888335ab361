import { readFile } from 'node:fs/promises';
import { CheckpointError, decodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { found } from './missing-file.ts';
import { withoutTilde } from './paths.ts';

/** Reads a checkpoint of images. @throws Error of one line that names the file when there is none, or no checkpoint in it */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await found(readFile(withoutTilde(path)), `there is no checkpoint ${path}`);
  try {
    return decodeCheckpoint(bytes);
  } catch (error) {
    if (error instanceof CheckpointError) throw new Error(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
