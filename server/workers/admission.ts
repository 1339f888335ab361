import { ServiceError } from '../errors/errors.ts';
import type { Asker } from '../ports.ts';
import type { Backlog } from './backlog.ts';

/** How much work may be asked for, in multiply-adds. */
export interface WorkLimits {
  /** by one request */
  readonly requestCost: number;
  /** by one client, of what is not done yet; a single request of a client without others is always taken */
  readonly clientCost: number;
  /** adaptations of one client that are not done yet, at least 1 */
  readonly clientRequests: number;
  /** memory that the adaptations that run take together, bytes; none may take more by itself */
  readonly jobBytes: number;
}

/** An adaptation before it is begun. */
export interface AskedWork {
  /** multiply-adds in all, above 0 */
  readonly cost: number;
  /** of those that have to be done one after the other */
  readonly serial: number;
  /** memory that it takes while it runs */
  readonly bytes: number;
}

/**
 * Takes an adaptation on, or refuses it before any work is done: what costs too much in itself, what would
 * not be done by the asker's deadline, and what exceeds the client's share. Returns what says that it is
 * over.
 * @throws ServiceError `too-much-work`, `too-much-at-once`, `deadline-exceeded`, each with the estimate
 */
export function admit(backlog: Backlog, limits: WorkLimits, asker: Asker, work: AskedWork): () => void {
  const { client, deadline } = asker;
  checkRequest(limits, work);
  checkClient(backlog, limits, client, work);
  if (deadline !== undefined) checkDeadline(backlog, client, (deadline - performance.now()) / 1000, work);
  return backlog.add(client, work.cost);
}

function checkRequest({ requestCost, jobBytes }: WorkLimits, { cost, bytes }: AskedWork): void {
  if (cost > requestCost)
    throw new ServiceError('too-much-work', {
      detail:
        `The adaptation is estimated at ${millions(cost)} multiply-adds, ${millions(requestCost)} are allowed; ` +
        'fewer images or steps take less.',
    });
  if (bytes > jobBytes)
    throw new ServiceError('too-much-work', {
      detail:
        `The adaptation is estimated to need ${mebibytes(bytes)} MiB of memory, ` +
        `${mebibytes(jobBytes)} are there for adaptations; fewer images take less.`,
    });
}

function checkClient(
  backlog: Backlog,
  { clientCost, clientRequests }: WorkLimits,
  client: string,
  { cost }: AskedWork,
): void {
  const own = backlog.of(client);
  if (own.requests === 0) return;
  // the client's own work is what has to be done first
  const wait = backlog.waitFor(client, 0);
  if (own.requests >= clientRequests)
    throw new ServiceError('too-much-at-once', {
      detail: `${own.requests} of your adaptations are not done yet, ${clientRequests} may be.`,
      retryAfter: wait / own.requests,
    });
  if (own.cost + cost > clientCost)
    throw new ServiceError('too-much-at-once', {
      detail:
        `What you have asked for and is not done is estimated at ${millions(own.cost)} multiply-adds, ` +
        `with this adaptation at ${millions(own.cost + cost)}; ${millions(clientCost)} are allowed.`,
      retryAfter: (wait * (own.cost + cost - clientCost)) / own.cost,
    });
}

/** @param left seconds until the deadline */
function checkDeadline(backlog: Backlog, client: string, left: number, { cost, serial }: AskedWork): void {
  const needed = backlog.seconds(serial);
  if (needed > left)
    throw new ServiceError('too-much-work', {
      detail:
        `The adaptation is estimated to take ${whole(needed)} seconds, and the request has ${whole(left)} left; ` +
        'fewer images or steps take less, and a task asked for with Prefer: respond-async has no deadline.',
    });
  const wait = backlog.waitFor(client, cost);
  if (wait + needed > left)
    throw new ServiceError('deadline-exceeded', {
      detail:
        `The adaptation is estimated to begin in ${whole(wait)} seconds and to take ${whole(needed)}, ` +
        `and the request has ${whole(left)} left.`,
      retryAfter: wait + needed - left,
    });
}

const mebibytes = (bytes: number): string => Math.round(bytes / 1024 ** 2).toLocaleString('en');
const millions = (cost: number): string => `${Math.round(cost / 1e6).toLocaleString('en')} million`;
const whole = (seconds: number): string => Math.max(0, Math.round(seconds)).toLocaleString('en');
