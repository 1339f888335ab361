import type { Logger } from 'pino';
import { cached } from './cached.ts';
import type { CacheableStorage } from './cached.ts';
import { openDiskStorage } from './disk.ts';
import { unavailableWhenFailing } from './faults.ts';
import { measured } from './measured.ts';
import type { StorageObserver } from './measured.ts';
import { describeStorage } from './place.ts';
import type { StoragePlace } from './place.ts';
import { openSharedStorage } from './shared.ts';
import type { TaskStorage } from './storage.ts';

/** What a store elsewhere gets to answer, before a request is told that it cannot be used. */
const answerSeconds = 10;

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

const unobserved: StorageObserver = { onOperation: () => undefined, onRead: () => undefined };

/**
 * The storage that the options name; whatever fails in it later is an error of the catalogue.
 * @throws StorageSetupError
 */
export async function openStorage(
  options: StorageOptions,
  logger: Logger,
  { onOperation, onRead, headers }: StorageObserver = unobserved,
): Promise<TaskStorage> {
  const { MNAS_CACHE_BYTES: bytes, MNAS_STORED_DAYS: days } = options;
  try {
    const opened = measured(await open(options, headers, logger), onOperation);
    return unavailableWhenFailing(cached(opened, { bytes, days, onRead }, logger), logger);
  } catch (error) {
    const place = describeStorage(options.MNAS_STORAGE);
    const reason = error instanceof Error ? error.message : String(error);
    throw new StorageSetupError(`MNAS_STORAGE: ${place} cannot be used (${reason})`, { cause: error });
  }
}

/** The clients of shared stores are loaded only where they are asked for. */
async function open(
  options: StorageOptions,
  headers: StorageObserver['headers'],
  logger: Logger,
): Promise<CacheableStorage> {
  const { MNAS_STORAGE: place, MNAS_STORED_DAYS: days, AWS_REGION: region } = options;
  const shared = { days, seconds: answerSeconds };
  switch (place.kind) {
    case 'disk':
      return openDiskStorage(options.MNAS_DATA_DIR, logger, {
        bytes: options.MNAS_STORED_BYTES,
        days,
      });
    case 'redis': {
      const { openRedis } = await import('./redis.ts');
      return openSharedStorage(openRedis(place.url, logger), shared, logger);
    }
    case 's3': {
      const { openS3 } = await import('./s3.ts');
      const store = openS3({
        endpoint: options.MNAS_S3_ENDPOINT ?? `https://s3.${region}.amazonaws.com`,
        region,
        bucket: place.bucket,
        prefix: place.prefix,
        accessKeyId: required(options, 'AWS_ACCESS_KEY_ID'),
        secretAccessKey: required(options, 'AWS_SECRET_ACCESS_KEY'),
        headers,
      });
      return openSharedStorage(store, shared, logger);
    }
  }
}

function required(options: StorageOptions, name: 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY'): string {
  const value = options[name];
  if (value === undefined) throw new Error(`${name} is missing`);
  return value;
}
