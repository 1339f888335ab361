import type { Logger } from 'pino';
import { createStorage, type Driver, type Storage } from 'unstorage';
import { isTaskId } from './task-id.ts';
import { inTime } from '../concurrency/in-time.ts';
import { heldFor } from './held.ts';
import { isTooOld } from './inventory.ts';
import type { CacheableStorage } from './cached.ts';
import { assembleTask, DamagedTaskError, type StoredTask } from './storage.ts';

export interface SharedOptions {
  /** what keys begin with */
  readonly prefix: string;
  /** after which a task counts as gone; 0 for never */
  readonly days: number;
  /** within which the other side has to answer */
  readonly seconds: number;
}

const DAY_SECONDS = 86_400;
/** How long the answer of a check holds, so that probes cost nothing. */
const CHECK_MS = 5000;
/** Bytes of the length that a value begins with. */
const LENGTH_BYTES = 4;

/**
 * Tasks in a store that several processes share. A task is one value, so that it is there whole or not at all: the
 * length of its record (uint32, little-endian), the record as JSON in UTF-8, the ONNX file.
 * @throws when the store cannot be written or read back, or does not say of a key that it is not there
 */
export async function openSharedStorage(
  driver: Driver,
  options: SharedOptions,
  logger: Logger,
): Promise<CacheableStorage> {
  const storage = new SharedStorage(createStorage({ driver }), options, logger);
  try {
    await storage.check();
    await storage.missNothing();
  } catch (error) {
    await storage.close();
    throw error;
  }
  return storage;
}

class SharedStorage implements CacheableStorage {
  readonly #store: Storage;
  readonly #options: SharedOptions;
  readonly #logger: Logger;

  constructor(store: Storage, options: SharedOptions, logger: Logger) {
    this.#store = store;
    this.#options = options;
    this.#logger = logger;
  }

  async read(id: string): Promise<StoredTask | undefined> {
    if (!isTaskId(id)) return undefined;
    const value: unknown = await this.#inTime(this.#store.getItemRaw(this.#key(id)));
    if (value === null || value === undefined) return undefined;
    try {
      const task = decode(id, value);
      return this.#isExpired(task) ? undefined : task;
    } catch (error) {
      if (!(error instanceof DamagedTaskError)) throw error;
      this.#logger.error({ err: error, task: id }, 'damaged task treated as absent');
      return undefined;
    }
  }

  async keeps(task: StoredTask): Promise<boolean> {
    return !this.#isExpired(task) && (await this.#inTime(this.#store.hasItem(this.#key(task.record.id))));
  }

  async write(task: StoredTask): Promise<void> {
    const { id } = task.record;
    if (await this.read(id)) return;
    await this.#put(this.#key(id), encode(task));
  }

  async remove(id: string): Promise<boolean> {
    if (!isTaskId(id)) return false;
    const key = this.#key(id);
    const had = await this.#inTime(this.#store.hasItem(key));
    await this.#inTime(this.#store.removeItem(key));
    return had;
  }

  /** Writes a value of its own, and looks whether it is there. */
  readonly check = heldFor(CHECK_MS, () => this.#put(this.#key('probe'), new Uint8Array([1])));

  /** Asks for a key that nobody writes: S3 refuses that to who may not list the bucket. */
  async missNothing(): Promise<void> {
    try {
      await this.#inTime(this.#store.hasItem(this.#key('nothing')));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(
        `it does not say of a key that it is not there, for which S3 asks s3:ListBucket of the bucket: ${reason}`,
        { cause: error },
      );
    }
  }

  close(): Promise<void> {
    return this.#store.dispose();
  }

  /** Writes, and sees to it that it is there: to the S3 driver a missing bucket is no error. */
  async #put(key: string, value: Uint8Array): Promise<void> {
    const { days } = this.#options;
    await this.#inTime(this.#store.setItemRaw(key, value, days > 0 ? { ttl: days * DAY_SECONDS } : {}));
    if (!(await this.#inTime(this.#store.hasItem(key))))
      throw new Error(`${key} was written but is not there`);
  }

  #key(name: string): string {
    return `${this.#options.prefix}:${name}`;
  }

  #isExpired({ record }: StoredTask): boolean {
    const { days } = this.#options;
    return isTooOld(Date.parse(record.createdAt), days, Date.now());
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    const { seconds } = this.#options;
    return inTime(seconds, work, () => new Error(`no answer within ${seconds} seconds`));
  }
}

function encode({ record, model }: StoredTask): Uint8Array {
  const text = Buffer.from(JSON.stringify(record));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, model]);
}

/** @throws DamagedTaskError */
function decode(id: string, value: unknown): StoredTask {
  if (!(value instanceof Uint8Array) && !(value instanceof ArrayBuffer))
    throw new DamagedTaskError('the value is not binary');
  const bytes =
    value instanceof ArrayBuffer
      ? Buffer.from(value)
      : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.length < LENGTH_BYTES) throw new DamagedTaskError('the value is too short');
  const end = LENGTH_BYTES + bytes.readUInt32LE();
  return assembleTask(id, bytes.toString('utf8', LENGTH_BYTES, end), bytes.subarray(end));
}
