import { constants } from 'node:fs';
import type { Stats } from 'node:fs';
import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isMissing, writeDurably } from '../../engine/files.ts';
import type { Holding } from './inventory.ts';
import { assembleTask, checkedModel, parseRecord } from './storage.ts';
import type { TaskRecord } from './record.ts';
import type { StoredTask } from './storage.ts';
import { isTaskId } from './task-id.ts';

/** The files of a task in its folder. */
const recordFile = 'task.json';
export const modelFile = 'model.onnx';

/** Whether the files of a task are not where they belong: its folder is not there, lacks one, or is no folder. */
export const isIncomplete = (error: unknown): boolean => isMissing(error) || codeOf(error) === 'ENOTDIR';

/** @throws DamagedTaskError, ServiceError `newer-task`, what `isIncomplete` tells */
export async function readTask(folder: string, id: string): Promise<StoredTask> {
  const [text, model] = await Promise.all([
    readFile(join(folder, recordFile), 'utf8'),
    readFile(join(folder, modelFile)),
  ]);
  return assembleTask(id, text, model);
}

/** The record alone. @throws as `readTask` does */
export const readRecordFile = async (folder: string, id: string): Promise<TaskRecord> =>
  parseRecord(id, await readFile(join(folder, recordFile), 'utf8'));

/** The model alone. @throws as `readTask` does */
export const readModelFile = async (folder: string, record: TaskRecord): Promise<Uint8Array> =>
  checkedModel(record, await readFile(join(folder, modelFile)));

/** Writes the files of a task into an empty folder, so that they survive a power cut. Returns their bytes. */
export async function writeTask(folder: string, { model, record }: StoredTask): Promise<number> {
  const text = JSON.stringify(record);
  await writeDurably(join(folder, modelFile), model);
  await writeDurably(join(folder, recordFile), text);
  await syncFolder(folder);
  return model.length + Buffer.byteLength(text);
}

/** What the folders of tasks say of themselves; what is no task is left alone. */
export async function takeStock(tasks: string): Promise<(readonly [string, Holding])[]> {
  const holdings: (readonly [string, Holding])[] = [];
  for (const id of (await readdir(tasks)).filter(isTaskId)) {
    try {
      const model = await stat(join(tasks, id, modelFile));
      holdings.push([id, holdingOf(model, await stat(join(tasks, id, recordFile)))]);
    } catch (error) {
      if (!isIncomplete(error)) throw error; // a damaged task, which reading it will tell of
    }
  }
  return holdings;
}

/** When a task was made and last used is the modification and the access time of its model. */
const holdingOf = (model: Stats, record: Stats): Holding => ({
  bytes: model.size + record.size,
  madeAt: model.mtimeMs,
  usedAt: Math.max(model.atimeMs, model.mtimeMs),
});

/** Removes what a folder has. */
export async function emptyFolder(path: string): Promise<void> {
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true, force: true });
}

/** Makes renames in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
