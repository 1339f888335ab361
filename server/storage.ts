import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isTaskId, sha256 } from './identity.ts';
import { taskRecordSchema, type TaskRecord } from './record.ts';

export interface StoredTask<R extends TaskRecord = TaskRecord> {
  readonly record: R;
  /** the ONNX file, verified against the record */
  readonly model: Uint8Array;
}

/** Where tasks are kept. A task is there whole or not at all, and never changes. */
export interface TaskStorage {
  /** the task, or undefined when there is none or its files are damaged (which is logged) */
  read(id: string): Promise<StoredTask | undefined>;
  /** resolves when the task will survive a power cut; a whole task of the same id that is there already stays */
  write(task: StoredTask): Promise<void>;
  /** whether there was one */
  remove(id: string): Promise<boolean>;
}

const RECORD_FILE = 'task.json';
const MODEL_FILE = 'model.onnx';

/**
 * Tasks in folders: `tasks/<id>/{task.json,model.onnx}`. They come and go by renaming whole folders between `tasks/`
 * and `temporary/`, which is emptied here: one process a data folder.
 */
export async function openDiskStorage(folder: string, logger: Logger): Promise<TaskStorage> {
  const tasks = join(folder, 'tasks');
  const temporary = join(folder, 'temporary');
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  await mkdir(tasks, { recursive: true });
  return new DiskStorage(tasks, temporary, logger);
}

class DiskStorage implements TaskStorage {
  readonly #tasks: string;
  readonly #temporary: string;
  readonly #logger: Logger;

  constructor(tasks: string, temporary: string, logger: Logger) {
    this.#tasks = tasks;
    this.#temporary = temporary;
    this.#logger = logger;
  }

  async read(id: string): Promise<StoredTask | undefined> {
    if (!isTaskId(id)) return undefined;
    const folder = join(this.#tasks, id);
    try {
      return await readTask(folder, id);
    } catch (error) {
      if (isMissing(error) && !(await exists(folder))) return undefined;
      if (!(error instanceof DamagedTaskError) && !isMissing(error)) throw error;
      this.#logger.error({ err: error, task: id }, 'damaged task treated as absent');
      return undefined;
    }
  }

  async write(task: StoredTask): Promise<void> {
    const draft = join(this.#temporary, randomUUID());
    await mkdir(draft);
    try {
      await this.#publish(draft, task);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  async remove(id: string): Promise<boolean> {
    if (!isTaskId(id)) return false;
    const trash = join(this.#temporary, randomUUID());
    try {
      await rename(join(this.#tasks, id), trash);
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
    await syncFolder(this.#tasks);
    await rm(trash, { recursive: true });
    return true;
  }

  async #publish(draft: string, task: StoredTask): Promise<void> {
    const { id } = task.record;
    await writeDurably(join(draft, MODEL_FILE), task.model);
    await writeDurably(join(draft, RECORD_FILE), JSON.stringify(task.record));
    await syncFolder(draft);
    // a folder can only be renamed onto nothing: what is there is either whole (and stays) or damaged (and goes)
    if (await exists(join(this.#tasks, id))) {
      if (await this.read(id)) return;
      await this.remove(id);
    }
    await rename(draft, join(this.#tasks, id));
    await syncFolder(this.#tasks);
  }
}

/** The files of a task do not belong together. */
class DamagedTaskError extends Error {
  override readonly name = 'DamagedTaskError';
}

async function readTask(folder: string, id: string): Promise<StoredTask> {
  const [text, model] = await Promise.all([
    readFile(join(folder, RECORD_FILE), 'utf8'),
    readFile(join(folder, MODEL_FILE)),
  ]);
  const record = parseRecord(text);
  if (record.id !== id) throw new DamagedTaskError(`the record is of task ${record.id}`);
  if (sha256(model) !== record.model.sha256)
    throw new DamagedTaskError('the model has another hash than its record says');
  return { record, model };
}

function parseRecord(text: string): TaskRecord {
  try {
    return taskRecordSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new DamagedTaskError('the record cannot be read', { cause: error });
  }
}

async function writeDurably(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes renames in a folder durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await (await open(path, constants.O_RDONLY)).close();
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
