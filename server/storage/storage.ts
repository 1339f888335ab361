import { sha256 } from './sha256.ts';
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
  /** @throws when tasks cannot be kept at present */
  check(): Promise<void>;
  /** of storage that keeps its own limits */
  readonly stats?: () => StorageStats;
  close(): Promise<void>;
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

/** A task of the id from what was stored of it. @throws DamagedTaskError */
export function assembleTask(id: string, recordText: string, model: Uint8Array): StoredTask {
  const record = parseRecord(recordText);
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
