import type { CacheableStorage } from './cached.ts';

/** What a storage that is measured tells. */
export interface StorageObserver {
  /** an operation of the storage behind the cache, when it ended */
  readonly onOperation: (operation: StorageOperation, outcome: StorageOutcome, seconds: number) => void;
  /** a read, and whether memory answered it */
  readonly onRead: (hit: boolean) => void;
  /** headers that belong to a request to a store that speaks HTTP */
  readonly headers?: () => Readonly<Record<string, string>>;
}

export type StorageOperation = 'read' | 'keeps' | 'write' | 'remove';
/** `given-up`: its request was */
export type StorageOutcome = 'done' | 'failed' | 'given-up';

/** The same storage, which tells how long every operation took and how it ended. */
export function measured(storage: CacheableStorage, tell: StorageObserver['onOperation']): CacheableStorage {
  const timed = async <T>(
    operation: StorageOperation,
    work: Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const startedAt = performance.now();
    let outcome: StorageOutcome = 'done';
    try {
      return await work;
    } catch (error) {
      outcome = signal?.aborted === true ? 'given-up' : 'failed';
      throw error;
    } finally {
      tell(operation, outcome, (performance.now() - startedAt) / 1000);
    }
  };
  return {
    read: (id, signal) => timed('read', storage.read(id, signal), signal),
    readRecord: (id, signal) => timed('read', storage.readRecord(id, signal), signal),
    readModel: (record, signal) => timed('read', storage.readModel(record, signal), signal),
    keeps: (task, signal) => timed('keeps', storage.keeps(task, signal), signal),
    write: (task) => timed('write', storage.write(task)),
    remove: (id) => timed('remove', storage.remove(id)),
    state: () => storage.state(),
    ...(storage.claims && { claims: storage.claims }),
    ...(storage.stats && { stats: storage.stats }),
    close: () => storage.close(),
  };
}
