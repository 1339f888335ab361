import type { Request } from 'express';
import { ownerOf } from '../access/access.ts';
import { whileConnected } from '../http/client.ts';
import { idOf } from '../http/route.ts';
import type { StoredTask } from '../storage/storage.ts';
import type { Tasks } from './tasks.ts';

/**
 * The task that a path names, where it is the client's; a client that hangs up ends the reading of it, and what that holds of the storage.
 * @throws ServiceError `unknown-task`, those of the storage; ClientGoneError
 */
export const requestedTask = (tasks: Tasks, request: Request): Promise<StoredTask> =>
  whileConnected(request, (signal) => tasks.get(idOf(request), signal, ownerOf(request)));
