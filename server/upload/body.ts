import type { Readable } from 'node:stream';
import { createGunzip, createInflate } from 'node:zlib';
import { parse } from 'content-type';
import type { Request } from 'express';
import getRawBody from 'raw-body';
import { callerOf } from '../access/access.ts';
import { whileConnected } from '../http/client.ts';
import { ServiceError } from '../errors/errors.ts';
import { inTime, unlessAborted, withDeadline } from '../concurrency/in-time.ts';
import { LineFullError, Turns } from '../concurrency/turns.ts';
import type { Asker } from '../ports.ts';
import { noted } from '../tracing/traces.ts';
import type { Traces } from '../tracing/traces.ts';

export type MediaType = 'multipart/form-data' | 'application/zip' | 'application/json';

/** What browsers on Windows call it. */
const aliases: Readonly<Record<string, MediaType>> = { 'application/x-zip-compressed': 'application/zip' };

/**
 * The media type of the body, one of those accepted.
 * @throws ServiceError `unsupported-media-type`, which names them, also for a content encoding that is not accepted
 */
export function mediaTypeOf<T extends MediaType>(request: Request, accepted: readonly T[]): T {
  const { headers } = request;
  const { type } = parse(headers['content-type'] ?? '');
  const known = accepted.find((name) => name === (aliases[type] ?? type));
  if (known === undefined)
    throw new ServiceError('unsupported-media-type', {
      detail: `${describeType(type)} is not accepted here; accepted is ${accepted.join(' or ')}.`,
      headers: { 'Accept-Post': accepted.join(', ') },
    });
  checkEncoding(request);
  return known;
}

/** Content encodings (RFC 9110, 8.4.1), and what undoes each. */
const decoders = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate } as const;
const acceptEncoding = 'gzip, deflate';

/** The body's content encoding in lower case; undefined where it has none. */
function encodingOf({ headers }: Request): string | undefined {
  const encoding = headers['content-encoding']?.trim().toLowerCase();
  return encoding === undefined || encoding === '' || encoding === 'identity' ? undefined : encoding;
}

const isKnown = (encoding: string): encoding is keyof typeof decoders => Object.hasOwn(decoders, encoding);

/** @throws ServiceError `unsupported-media-type`, with `Accept-Encoding` (RFC 9110, 15.5.16) */
export function checkEncoding(request: Request): void {
  const encoding = encodingOf(request);
  if (encoding === undefined || isKnown(encoding)) return;
  throw new ServiceError('unsupported-media-type', {
    detail: `The body has the content encoding ${JSON.stringify(encoding)}; accepted is ${acceptEncoding}.`,
    headers: { 'Accept-Encoding': acceptEncoding },
  });
}

/**
 * The bytes of the body without its content encoding, after `checkEncoding`: the request itself where it has none. Who
 * reads it has to bound what comes.
 */
export function decodedBody(request: Request): Readable {
  const encoding = encodingOf(request);
  if (encoding === undefined || !isKnown(encoding)) return request;
  const decoder = decoders[encoding]();
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
  /** bodies in memory at a time, of one caller half as many */
  readonly parallel: number;
  /** requests that may wait for that with their body unread, of one caller half as many */
  readonly waiting: number;
  /** until a request with a body must be answered */
  readonly seconds: number;
  /** seconds after which a caller whose time is over may find the service less busy */
  readonly waitFor: (client: string) => number;
  readonly traces: Pick<Traces, 'note'>;
}

/** A client whose body is read. */
export interface Uploader extends Asker {
  /** Gives its place in memory back before the work has ended, since the body is no longer needed. */
  readonly leave: () => void;
}

/**
 * Reads a body and works with it; the signal aborts when the client hangs up, and at the request's
 * deadline: then this ends, whatever the work does.
 * @throws ServiceError `overloaded`, `too-much-at-once`, `deadline-exceeded`; ClientGoneError; what the
 * work throws
 */
export type BodyGate = <T>(request: Request, work: (uploader: Uploader) => Promise<T>) => Promise<T>;

/**
 * A gate that lets at most `parallel` bodies be in memory at a time: from their first byte until they are
 * not needed any more. One caller may have half of the places, so that its silent connections do not shut
 * out everybody else. The others wait, by turns of the callers: their bodies stay in the network.
 */
export function createBodyGate({ parallel, waiting, seconds, waitFor, traces }: GateLimits): BodyGate {
  const places = new Places(parallel, waiting);
  const takePlace = noted(traces, 'wait for a place', (client: string, signal: AbortSignal) =>
    places.take(client, signal),
  );
  return (request, work) =>
    whileConnected(request, async (connected) => {
      const client = callerOf(request);
      const deadline = performance.now() + seconds * 1000;
      const late = () =>
        new ServiceError('deadline-exceeded', {
          detail: `There was no answer within ${seconds} seconds.`,
          retryAfter: waitFor(client),
        });
      return withDeadline(seconds, connected, late, async (signal) => {
        try {
          const leave = await takePlace(client, signal);
          return await unlessAborted(work({ client, signal, deadline, leave }).finally(leave), signal);
        } finally {
          // not by a listener: Node keeps a signal of others while it has one, and with it all that the listener can reach
          if (signal.aborted) request.resume(); // nobody may read it any more
        }
      });
    });
}

/** How fast the mean time that places are held follows the last ones. */
const followed = 0.1;

/** The places of a gate. */
class Places {
  readonly #turns: Turns;
  readonly #limits: { readonly parallel: number; readonly share: number };
  /** seconds that a place is held, in the mean of the last ones */
  #held = 1;

  constructor(parallel: number, waiting: number) {
    const share = Math.ceil(parallel / 2);
    this.#limits = { parallel, share };
    this.#turns = new Turns({ capacity: parallel, share, waiting });
  }

  /**
   * Resolves when the caller has a place, to what gives it back. @throws ServiceError, the signal's reason
   */
  async take(client: string, signal: AbortSignal): Promise<() => void> {
    try {
      const end = await this.#turns.take(client, 1, signal);
      const begun = performance.now();
      return () => {
        this.#held += followed * ((performance.now() - begun) / 1000 - this.#held);
        end();
      };
    } catch (error) {
      throw error instanceof LineFullError ? this.#refusal(client, error.whose) : error;
    }
  }

  #refusal(client: string, whose: LineFullError['whose']): ServiceError {
    const { parallel, share } = this.#limits;
    const all = this.#turns.waiting();
    if (whose === 'all')
      return new ServiceError('overloaded', {
        detail: `${parallel} uploads are being worked on, and ${all} wait.`,
        retryAfter: (this.#held * (all + 1)) / parallel,
      });
    const own = this.#turns.waiting(client);
    return new ServiceError('too-much-at-once', {
      detail: `${share} of your uploads are being worked on, and ${own} wait.`,
      retryAfter: (this.#held * (own + 1)) / share,
    });
  }
}
