import type { Request, Response } from 'express';
import { callerOf } from '../access/access.ts';
import { ServiceError } from '../errors/errors.ts';
import { whenOver } from './client.ts';

/** Bytes of answers that wait in memory for their clients at a time. */
const mostBytes = 256 * 1024 ** 2;
/** What is smaller fits into the buffers of a connection. */
const smallBytes = 64 * 1024;
/** How long a client may read nothing of its answer. */
const stalledMs = 60_000;
/** Seconds after which some answers may have been read. */
const retrySeconds = 5;

interface Waiting {
  readonly client: string;
  readonly memory: ArrayBufferLike;
}

/**
 * Large answers that clients read no faster than they like. Several of the same bytes take their memory once. A client may
 * hold as much as it leaves free: alone half of all, beside one that has that a quarter. So there is always room for one
 * that holds nothing yet.
 */
export class UnreadAnswers {
  readonly #waiting = new Set<Waiting>();

  /**
   * Notes an answer; what it returns says that it is read.
   * @throws ServiceError `too-much-at-once`, or `overloaded` where the client holds nothing yet
   */
  add(client: string, { buffer: memory, byteLength }: Uint8Array): () => void {
    if (byteLength < smallBytes) return () => undefined;
    const entry: Waiting = { client, memory };
    const all = [...this.#waiting];
    const own = all.filter((other) => other.client === client);
    if (bytesOf([...own, entry]) > mostBytes - bytesOf([...all, entry])) {
      const [code, whose] =
        own.length > 0 ? (['too-much-at-once', 'you'] as const) : (['overloaded', 'clients'] as const);
      const detail = `Too much that ${whose} have asked for is not read yet.`;
      throw new ServiceError(code, { detail, retryAfter: retrySeconds });
    }
    this.#waiting.add(entry);
    return () => void this.#waiting.delete(entry);
  }
}

const bytesOf = (answers: readonly Waiting[]): number =>
  [...new Set(answers.map(({ memory }) => memory))].reduce((sum, { byteLength }) => sum + byteLength, 0);

const unreadOf = new WeakMap<object, UnreadAnswers>();

/**
 * Notes bytes that are about to be sent until the answer is over. A client that reads nothing of them for a minute is
 * cut off.
 * @throws ServiceError `too-much-at-once`, `overloaded`
 */
export function holdUntilRead(request: Request, response: Response, bytes: Uint8Array): void {
  const unread = unreadOf.get(request.app) ?? new UnreadAnswers();
  unreadOf.set(request.app, unread);
  const end = unread.add(callerOf(request), bytes);
  whenOver(request, response, end);
  response.setTimeout(stalledMs, () => request.socket.destroy());
}
