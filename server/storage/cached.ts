import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { inTime } from '../concurrency/in-time.ts';
import { loggable } from './faults.ts';
import { isTooOld } from './inventory.ts';
import type { StoredTask, TaskStorage } from './storage.ts';

/** Storage that can say of a task that was read before whether it would still be read. */
export interface CacheableStorage extends TaskStorage {
  /** counts as a use of the task. @throws the signal's reason */
  keeps(task: StoredTask, signal?: AbortSignal): Promise<boolean>;
}

/** The storage once it has begun; closed where it cannot. @throws what `begin` throws */
export async function begun<S extends CacheableStorage & { begin(): Promise<void> }>(storage: S): Promise<S> {
  try {
    await storage.begin();
  } catch (error) {
    await storage.close();
    throw error;
  }
  return storage;
}

export interface CacheOptions {
  /** of all tasks in memory; 0 for no cache */
  readonly bytes: number;
  /** after which a task counts as gone; 0 for never */
  readonly days: number;
  /** told of every read whether the task was in memory and kept */
  readonly onRead?: (hit: boolean) => void;
}

/** About what a record takes in memory beside its model, most of it the embedding. */
const recordBytes = 16 * 1024;
/** Within which the storage says whether it keeps a task; after that memory answers for it. */
const answerSeconds = 1;
/** For so long a storage that did not say is not asked about tasks in memory. */
const silentMs = 5000;

/**
 * The same storage, with the tasks read last kept in memory, since every prediction reads its task: a task of the cache
 * is given only while the storage keeps it, so that whoever removes it removes it at once. While the storage cannot say,
 * what is in memory is given without it.
 */
export function cached(storage: CacheableStorage, options: CacheOptions, logger: Logger): TaskStorage {
  const { bytes, days, onRead = () => undefined } = options;
  if (bytes === 0) return storage;
  const cache = new LRUCache<string, StoredTask>({
    maxSize: bytes,
    sizeCalculation: ({ model }) => model.length + recordBytes,
  });
  let silentUntil = 0;
  const isKept = async (known: StoredTask, signal: AbortSignal | undefined): Promise<boolean> => {
    const young = !isTooOld(Date.parse(known.record.createdAt), days, Date.now());
    if (Date.now() < silentUntil) return young;
    try {
      const late = () => new Error(`no answer within ${answerSeconds} seconds`);
      return await inTime(answerSeconds, storage.keeps(known, signal), late);
    } catch (error) {
      signal?.throwIfAborted();
      logger.warn({ err: loggable(error) }, 'storage does not say what it keeps, so memory answers');
      silentUntil = Date.now() + silentMs;
      return young;
    }
  };
  const fetched = async (id: string, signal: AbortSignal | undefined): Promise<StoredTask | undefined> => {
    const task = await storage.read(id, signal);
    if (task) cache.set(id, task);
    else cache.delete(id);
    return task;
  };
  const read: TaskStorage['read'] = async (id, signal) => {
    const known = cache.get(id);
    const hit = known !== undefined && (await isKept(known, signal));
    onRead(hit);
    return hit ? known : fetched(id, signal);
  };
  return {
    read,
    // with the model, which is asked for next and then lies in memory
    readRecord: async (id, signal) => (await read(id, signal))?.record,
    readModel: async ({ id }, signal) => (cache.get(id) ?? (await fetched(id, signal)))?.model,
    write: (task) => storage.write(task),
    remove: (id) => {
      cache.delete(id);
      return storage.remove(id);
    },
    state: () => storage.state(),
    ...(storage.claims && { claims: storage.claims }),
    ...(storage.stats && { stats: storage.stats }),
    close: () => storage.close(),
  };
}
