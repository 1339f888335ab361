import type { Logger } from 'pino';
import { codeOf } from '../../engine/files.ts';
import { ServiceError } from '../errors/errors.ts';
import type { TaskStorage } from './storage.ts';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether there is no room: a full disk or quota, Redis at its `maxmemory`, an S3 server without space. */
export const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes(String(codeOf(error))) || /^OOM |^S3 answers 507/.test(messageOf(error));

/** Whether what can be read takes nothing at present: it is full, read-only or a replica, or cannot save itself. */
export const refusesWrites = (error: unknown): boolean =>
  isFull(error) || codeOf(error) === 'EROFS' || /^(READONLY|MISCONF|NOREPLICAS) /.test(messageOf(error));

/** An error without what clients of stores hang on it: the command, with a password or a whole task among its arguments. */
export function loggable(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  return { type: name, message, stack, ...('code' in error && { code: error.code }) };
}

/**
 * The same storage; a fault of it is logged and becomes `storage-unavailable`, which tells the client to try again. The
 * reason of a signal, and what the storage itself refuses, stay what they are.
 */
export function unavailableWhenFailing(storage: TaskStorage, logger: Logger): TaskStorage {
  const guarded = async <T>(work: Promise<T>, signal?: AbortSignal): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (signal?.aborted === true) throw error;
      logger.error({ err: loggable(error) }, 'storage failed');
      if (error instanceof ServiceError) throw error;
      const detail = 'The storage of the tasks is full: its tasks can be read, but no other one can be kept.';
      throw new ServiceError('storage-unavailable', { cause: error, ...(isFull(error) && { detail }) });
    }
  };
  const { claims } = storage;
  return {
    read: (id, signal) => guarded(storage.read(id, signal), signal),
    readRecord: (id, signal) => guarded(storage.readRecord(id, signal), signal),
    readModel: (record, signal) => guarded(storage.readModel(record, signal), signal),
    write: (task) => guarded(storage.write(task)),
    remove: (id) => guarded(storage.remove(id)),
    state: () => storage.state(),
    ...(claims && {
      claims: {
        add: (id, owner) => guarded(claims.add(id, owner)),
        has: (id, owner, signal) => guarded(claims.has(id, owner, signal), signal),
        remove: (id, owner) => guarded(claims.remove(id, owner)),
      },
    }),
    ...(storage.stats && { stats: storage.stats }),
    close: () => storage.close(),
  };
}
