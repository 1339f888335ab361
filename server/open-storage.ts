import type { Logger } from 'pino';
import type { Configuration } from './configuration.ts';
import { ServiceError } from './errors.ts';
import { openDiskStorage, type TaskStorage } from './storage.ts';

/** The storage that the configuration names; whatever fails in it is a `storage-unavailable`. */
export async function openStorage(configuration: Configuration, logger: Logger): Promise<TaskStorage> {
  const limits = { bytes: configuration.MNAS_STORED_BYTES, days: configuration.MNAS_STORED_DAYS };
  return unavailableWhenFailing(await openDiskStorage(configuration.MNAS_DATA_DIR, logger, limits), logger);
}

/** The same storage; a fault of it is logged and becomes an error that tells the client to try again. */
export function unavailableWhenFailing(storage: TaskStorage, logger: Logger): TaskStorage {
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      logger.error({ err: error }, 'storage failed');
      throw new ServiceError('storage-unavailable', { cause: error });
    }
  };
  return {
    read: (id) => guarded(storage.read(id)),
    write: (task) => guarded(storage.write(task)),
    remove: (id) => guarded(storage.remove(id)),
    check: () => guarded(storage.check()),
    ...(storage.stats && { stats: storage.stats }),
    close: () => storage.close(),
  };
}
