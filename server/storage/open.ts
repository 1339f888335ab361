import type { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { Driver } from 'unstorage';
import { ServiceError } from '../errors/errors.ts';
import { cached, type CacheableStorage } from './cached.ts';
import { openDiskStorage } from './disk.ts';
import { describeStorage, type StoragePlace } from './place.ts';
import { openSharedStorage } from './shared.ts';
import type { TaskStorage } from './storage.ts';

/** What a store elsewhere gets to answer, before a request is told that it cannot be used. */
const ANSWER_SECONDS = 10;

/** The storage cannot be opened as configured; thrown at start. */
export class StorageSetupError extends Error {
  override readonly name = 'StorageSetupError';
}

/** What the environment says of storage; names are those of the variables, which errors tell. */
export interface StorageOptions {
  readonly MNAS_STORAGE: StoragePlace;
  readonly MNAS_DATA_DIR: string;
  readonly MNAS_STORED_BYTES: number;
  readonly MNAS_STORED_DAYS: number;
  readonly MNAS_CACHE_BYTES: number;
  readonly MNAS_S3_ENDPOINT?: string | undefined;
  readonly AWS_REGION: string;
  readonly AWS_ACCESS_KEY_ID?: string | undefined;
  readonly AWS_SECRET_ACCESS_KEY?: string | undefined;
}

/**
 * The storage that the options name; whatever fails in it later is a `storage-unavailable`.
 * @throws StorageSetupError
 */
export async function openStorage(options: StorageOptions, logger: Logger): Promise<TaskStorage> {
  try {
    const opened = await open(options, logger);
    return unavailableWhenFailing(cached(opened, options.MNAS_CACHE_BYTES), logger);
  } catch (error) {
    const place = describeStorage(options.MNAS_STORAGE);
    const reason = error instanceof Error ? error.message : String(error);
    throw new StorageSetupError(`MNAS_STORAGE: ${place} cannot be used (${reason})`, { cause: error });
  }
}

/** The drivers of shared stores are loaded only where they are asked for; their types refer to a file that is not there. */
async function open(options: StorageOptions, logger: Logger): Promise<CacheableStorage> {
  const { MNAS_STORAGE: place, MNAS_STORED_DAYS: days, AWS_REGION: region } = options;
  const shared = { days, seconds: ANSWER_SECONDS };
  switch (place.kind) {
    case 'disk':
      return openDiskStorage(options.MNAS_DATA_DIR, logger, {
        bytes: options.MNAS_STORED_BYTES,
        days,
      });
    case 'redis': {
      const { default: redisDriver } = await import('unstorage/drivers/redis');
      const driver = redisDriver({ url: place.url, connectTimeout: 5000, maxRetriesPerRequest: 2 }) as Driver<
        unknown,
        EventEmitter
      >;
      driver
        .getInstance?.()
        .on('error', (error: Error) => logger.error({ err: loggable(error) }, 'redis failed'));
      return openSharedStorage(driver, { ...shared, prefix: 'm-nas' }, logger);
    }
    case 's3': {
      const { default: s3Driver } = await import('unstorage/drivers/s3');
      const driver = s3Driver({
        bucket: place.bucket,
        region,
        endpoint: options.MNAS_S3_ENDPOINT ?? `https://s3.${region}.amazonaws.com`,
        accessKeyId: required(options, 'AWS_ACCESS_KEY_ID'),
        secretAccessKey: required(options, 'AWS_SECRET_ACCESS_KEY'),
      }) as Driver;
      return openSharedStorage(driver, { ...shared, prefix: place.prefix.replaceAll('/', ':') }, logger);
    }
  }
}

function required(options: StorageOptions, name: 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY'): string {
  const value = options[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
}

/** An error without what clients of stores hang on it: the command, with a password or a whole task among its arguments. */
function loggable(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  return { type: name, message, stack, ...('code' in error && { code: error.code }) };
}

/** The same storage; a fault of it is logged and becomes an error that tells the client to try again. */
export function unavailableWhenFailing(storage: TaskStorage, logger: Logger): TaskStorage {
  const guarded = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      logger.error({ err: loggable(error) }, 'storage failed');
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
