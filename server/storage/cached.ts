import { LRUCache } from 'lru-cache';
import type { StoredTask, TaskStorage } from './storage.ts';

/** Storage that can say of a task that was read before whether it would still be read. */
export interface CacheableStorage extends TaskStorage {
  /** counts as a use of the task */
  keeps(task: StoredTask): Promise<boolean>;
}

/** About what a record takes in memory beside its model, most of it the embedding. */
const RECORD_BYTES = 16 * 1024;

/**
 * The same storage, with the tasks read last kept in memory, since every prediction reads its task: a task of the cache
 * is given only while the storage keeps it, so that whoever removes it removes it at once.
 */
export function cached(storage: CacheableStorage, bytes: number): TaskStorage {
  if (bytes === 0) return storage;
  const cache = new LRUCache<string, StoredTask>({
    maxSize: bytes,
    sizeCalculation: ({ model }) => model.length + RECORD_BYTES,
  });
  return {
    read: async (id) => {
      const known = cache.get(id);
      if (known && (await storage.keeps(known))) return known;
      const task = await storage.read(id);
      if (task) cache.set(id, task);
      else cache.delete(id);
      return task;
    },
    write: (task) => storage.write(task),
    remove: (id) => {
      cache.delete(id);
      return storage.remove(id);
    },
    check: () => storage.check(),
    ...(storage.stats && { stats: storage.stats }),
    close: () => storage.close(),
  };
}
