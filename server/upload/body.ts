import type { Readable } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import { parse } from 'content-type';
import type { Request } from 'express';
import getRawBody from 'raw-body';
import { callerOf } from '../access/access.ts';
import { whileConnected } from '../http/client.ts';
import { ServiceError } from '../errors/errors.ts';
import { inTime, unlessAborted, withDeadline } from '../concurrency/in-time.ts';

export type MediaType = 'multipart/form-data' | 'application/zip' | 'application/json';

/** What browsers on Windows call it. */
const ALIASES: Readonly<Record<string, MediaType>> = { 'application/x-zip-compressed': 'application/zip' };

/**
 * The media type of the body, one of those accepted.
 * @throws ServiceError `unsupported-media-type`, which names them, also for a content encoding that is not accepted
 */
export function mediaTypeOf<T extends MediaType>(request: Request, accepted: readonly T[]): T {
  const { headers } = request;
  const { type } = parse(headers['content-type'] ?? '');
  const known = accepted.find((name) => name === (ALIASES[type] ?? type));
  if (known === undefined)
    throw new ServiceError('unsupported-media-type', {
      detail: `${describeType(type)} is not accepted here; accepted is ${accepted.join(' or ')}.`,
      headers: { 'Accept-Post': accepted.join(', ') },
    });
  checkEncoding(request);
  return known;
}

/** Content encodings (RFC 9110, 8.4.1), and what undoes each. */
const DECODERS = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate } as const;
const ACCEPT_ENCODING = 'gzip, deflate';

/** The body's content encoding in lower case; undefined where it has none. */
function encodingOf({ headers }: Request): string | undefined {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  return encoding === undefined || encoding === '' || encoding === 'identity' ? undefined : encoding;
}

const isKnown = (encoding: string): encoding is keyof typeof DECODERS => Object.hasOwn(DECODERS, encoding);

/** @throws ServiceError `unsupported-media-type`, with `Accept-Encoding` (RFC 9110, 15.5.16) */
export function checkEncoding(request: Request): void {
  const encoding = encodingOf(request);
  if (encoding === undefined || isKnown(encoding)) return;
  throw new ServiceError('unsupported-media-type', {
    detail: `The body has the content encoding ${JSON.stringify(encoding)}; accepted is ${ACCEPT_ENCODING}.`,
    headers: { 'Accept-Encoding': ACCEPT_ENCODING },
  });
}

/**
 * The bytes of the body without its content encoding, after `checkEncoding`: the request itself where it has none. Who
 * reads it has to bound what comes.
 */
export function decodedBody(request: Request): Readable {
  const encoding = encodingOf(request);
  if (encoding === undefined || !isKnown(encoding)) return request;
  const decoder = DECODERS[encoding]();
  request.once('error', (error) => decoder.destroy(error)); // the client hung up
  decoder.once('close', () => {
    request.unpipe(decoder);
    request.resume(); // drops the rest
  });
  return request.pipe(decoder);
}

const describeType = (type: string) =>
  type === '' ? 'A body without a media type' : `The media type ${JSON.stringify(type)}`;

/** @throws ServiceError `body-too-large` when the headers announce more bytes than allowed */
export function checkLength({ headers }: Request, limit: number): void {
  const length = Number(headers['content-length'] ?? 0);
  if (length > limit)
    throw new ServiceError('body-too-large', {
      detail: `The body has ${length} bytes, ${limit} are allowed.`,
    });
}

/** The refusal of a body that is not there in time. */
export const lateBody = (seconds: number): ServiceError =>
  new ServiceError('upload-timeout', { detail: `The body did not arrive within ${seconds} seconds.` });

/** The refusal of a body that turns out to be too long while it arrives. */
export const longBody = (limit: number): ServiceError =>
  new ServiceError('body-too-large', {
    detail: `The body has more than the ${limit} bytes that are allowed.`,
  });

export interface BytesLimits {
  readonly bodyBytes: number;
  /** until the whole body must have arrived */
  readonly seconds: number;
}

/** The whole body. @throws ServiceError `body-too-large`, `truncated-body`, `malformed-request`, `upload-timeout` */
export async function readBytes(request: Request, { bodyBytes, seconds }: BytesLimits): Promise<Buffer> {
  const body = decodedBody(request);
  try {
    return await inTime(seconds, getRawBody(body, { limit: bodyBytes }), () => lateBody(seconds));
  } catch (error) {
    if (body !== request) body.destroy();
    request.resume(); // drops the rest, which raw-body leaves standing
    throw error instanceof Error ? translateBody(error, bodyBytes) : error;
  }
}

/** A fault of raw-body or zlib as an error of the catalogue. */
export function translateBody(error: Error, limit: number): Error {
  const type = 'type' in error ? error.type : undefined;
  const code = 'code' in error ? error.code : undefined;
  if (type === 'entity.too.large') return longBody(limit);
  if (type === 'request.aborted' || code === 'Z_BUF_ERROR')
    return new ServiceError('truncated-body', { cause: error });
  if (code === 'Z_DATA_ERROR')
    return new ServiceError('malformed-request', {
      detail: `The body is not what its Content-Encoding says (${error.message}).`,
      cause: error,
    });
  return error;
}

export interface GateLimits {
  /** bodies in memory at a time */
  readonly parallel: number;
  /** until a request with a body must be answered */
  readonly seconds: number;
}

/**
 * Reads a body and works with it; the signal aborts when the client hangs up, and at the request's deadline: then this
 * ends, whatever the work does.
 * @throws ServiceError `overloaded`, ClientGoneError, what the work throws, the signal's reason among it
 */
export type BodyGate = <T>(request: Request, work: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/**
 * A gate that lets at most `parallel` bodies be in memory at a time: from their first byte to the end of the work. One
 * caller may have half of the places, so that its silent connections do not shut out everybody else.
 */
export function createBodyGate({ parallel, seconds }: GateLimits): BodyGate {
  const places = new Places(parallel);
  const late = () =>
    new ServiceError('deadline-exceeded', { detail: `There was no answer within ${seconds} seconds.` });
  return (request, work) =>
    whileConnected(request, async (connected) => {
      const leave = places.take(callerOf(request));
      return withDeadline(seconds, connected, late, (signal) =>
        unlessAborted(work(signal).finally(leave), signal).finally(() => {
          // not by a listener: Node keeps a signal of others while it has one, and with it all that the listener can reach
          if (signal.aborted) request.resume(); // nobody may read it any more
        }),
      );
    });
}

/** The places of a gate, counted by who holds them. */
class Places {
  readonly #all: number;
  readonly #held = new Map<string, number>();

  constructor(all: number) {
    this.#all = all;
  }

  /** Takes a place; what it returns gives it back. @throws ServiceError `overloaded` */
  take(caller: string): () => void {
    const held = [...this.#held.values()].reduce((sum, count) => sum + count, 0);
    if (held >= this.#all)
      throw new ServiceError('overloaded', { detail: `${held} uploads are being worked on.` });
    const own = this.#held.get(caller) ?? 0;
    if (own >= Math.ceil(this.#all / 2))
      throw new ServiceError('overloaded', { detail: `${own} of your uploads are being worked on.` });
    this.#held.set(caller, own + 1);
    return () => {
      const left = this.#held.get(caller)! - 1;
      if (left > 0) this.#held.set(caller, left);
      else this.#held.delete(caller);
    };
  }
}
