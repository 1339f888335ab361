import type { Request } from 'express';
import { ownerOf } from '../access/access.ts';
import { whileConnected } from '../http/client.ts';
import { idOf } from '../http/route.ts';
import type { TaskRecord } from '../storage/record.ts';
import type { StoredTask } from '../storage/storage.ts';
import type { Tasks } from './tasks.ts';

/**
 * The task that a path names, where it is the client's; a client that hangs up ends the reading of it, and what that holds of the storage.
 * @throws ServiceError `unknown-task`, those of the storage; ClientGoneError
 */
export const requestedTask = (tasks: Tasks, request: Request): Promise<StoredTask> =>
  whileConnected(request, (signal) => tasks.get(idOf(request), signal, ownerOf(request)));

/** A task's record, and its model when it is time for it. */
export interface RequestedRecord<R extends TaskRecord = TaskRecord> {
  readonly record: R;
  /** Reads the model. @throws as `requestedTask` does, where the task has gone meanwhile, too */
  readonly readModel: () => Promise<Uint8Array>;
}

/**
 * The same without the model, for requests that wait for a place before they need it: many of them hold no models while
 * they wait. The storage is asked once whether the task is there.
 * @throws as `requestedTask` does
 */
export async function requestedRecord(tasks: Tasks, request: Request): Promise<RequestedRecord> {
  const record = await whileConnected(request, (signal) =>
    tasks.getRecord(idOf(request), signal, ownerOf(request)),
  );
  return { record, readModel: () => whileConnected(request, (signal) => tasks.getModel(record, signal)) };
}
