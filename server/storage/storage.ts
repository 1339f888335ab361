import { ServiceError } from '../errors/errors.ts';
import type { Claims } from './claims.ts';
import { sha256 } from './sha256.ts';
import { taskRecordSchema } from './record.ts';
import type { TaskRecord } from './record.ts';

export interface StoredTask<R extends TaskRecord = TaskRecord> {
  readonly record: R;
  /** the ONNX file, verified against the record */
  readonly model: Uint8Array;
}

/** Where tasks are kept. A task is there whole or not at all, and never changes. */
export interface TaskStorage {
  /**
   * The task, or undefined when there is none or its files are damaged (which is logged).
   * @throws ServiceError `newer-task`; the signal's reason
   */
  read(id: string, signal?: AbortSignal): Promise<StoredTask | undefined>;
  /** The record of the same task without its model, whose damage shows only once that is read. @throws as `read` does */
  readRecord(id: string, signal?: AbortSignal): Promise<TaskRecord | undefined>;
  /**
   * The model of a record that was read before, or undefined where the task has gone or is damaged. What memory has is
   * given without asking the store anew.
   * @throws as `read` does
   */
  readModel(record: TaskRecord, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** resolves when the task will survive a power cut; a whole task of the same id that is there already stays */
  write(task: StoredTask): Promise<void>;
  /** whether there was one */
  remove(id: string): Promise<boolean>;
  /** what works at present, as of the last few seconds; never rejects */
  state(): Promise<StorageState>;
  /** whose the tasks are */
  readonly claims?: Claims;
  /** of storage that keeps its own limits */
  readonly stats?: () => StorageStats;
  close(): Promise<void>;
}

export interface StorageState {
  /** whether tasks can be read */
  readonly readable: boolean;
  /** whether tasks can be kept and removed */
  readonly writable: boolean;
  /** how often, since the start, all tasks were found to be gone at once */
  readonly losses: number;
}

export interface StorageStats {
  readonly tasks: number;
  readonly bytes: number;
  /** tasks that were removed since the start because of a limit */
  readonly evicted: number;
}

/** The parts of a task do not belong together. */
export class DamagedTaskError extends Error {
  override readonly name = 'DamagedTaskError';
}

/** A task of the id from what was stored of it. @throws DamagedTaskError, ServiceError `newer-task` */
export function assembleTask(id: string, recordText: string, model: Uint8Array): StoredTask {
  const record = parseRecord(id, recordText);
  return { record, model: checkedModel(record, model) };
}

/** The record of the id from its text. @throws DamagedTaskError, ServiceError `newer-task` */
export function parseRecord(id: string, recordText: string): TaskRecord {
  const value = parseJson(recordText);
  const parsed = taskRecordSchema.safeParse(value);
  if (!parsed.success && isRecordOf(value, id)) throw new ServiceError('newer-task', { cause: parsed.error });
  if (!parsed.success) throw new DamagedTaskError('the record cannot be read', { cause: parsed.error });
  const record = parsed.data;
  if (record.id !== id) throw new DamagedTaskError(`the record is of task ${record.id}`);
  return record;
}

/** The model, where it is the record's. @throws DamagedTaskError */
export function checkedModel(record: TaskRecord, model: Uint8Array): Uint8Array {
  if (sha256(model) !== record.model.sha256)
    throw new DamagedTaskError('the model has another hash than its record says');
  return model;
}

/** The task that a read gives, where this version can read it: one of a newer version gives way to an equal one. */
export async function readableTask<T>(read: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'newer-task') return undefined;
    throw error;
  }
}

/** Whether a value says of itself that it is the record of a task, in whatever version. */
const isRecordOf = (value: unknown, id: string): boolean =>
  typeof value === 'object' && value !== null && 'id' in value && value.id === id && 'version' in value;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DamagedTaskError('the record cannot be read', { cause: error });
  }
}
