import type { Schema } from '../../contract/schema.ts';
import { catalogue } from './error-catalogue.ts';

export type ErrorCode = Schema<'ErrorCode'>;
export type Problem = Schema<'Problem'>;
export type Part = Schema<'Part'>;
/** A limit of a budget that nothing keeps. */
export type Shortfall = NonNullable<Problem['shortfalls']>[number];

/**
 * Seconds after which a client may try again where nobody knows better: when the service is starting, or
 * without storage.
 */
const retryAfterSeconds = 2;
/** Nobody is sent away for longer, in seconds: what is known of a queue holds for some minutes at most. */
const longestRetrySeconds = 300;
/** Clients that are refused together come back spread over so much of the time. */
const jitter = 0.5;
/** Whole seconds from `seconds` to half as many more, by chance, and from 1 to 450. */
const retryAfter = (seconds: number): string =>
  String(Math.ceil(Math.min(Math.max(seconds, 1), longestRetrySeconds) * (1 + jitter * Math.random())));

export interface ErrorDetails {
  /** what exactly is wrong, in a sentence for the client */
  readonly detail?: string;
  readonly part?: Part;
  /** to the member of a JSON body that is at fault (RFC 6901) */
  readonly pointer?: string;
  /** the limits of a budget that bind */
  readonly shortfalls?: readonly Shortfall[];
  /** seconds after which another try makes sense, of an error that another time may not have */
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** What is told of a client's text: halves of surrogate pairs, which strict readers of JSON refuse, are U+FFFD. */
const wellFormed = (text: string): string => text.replace(/\p{Cs}/gu, '\uFFFD');

/** An error of the catalogue: everything else that is thrown becomes an opaque `internal`. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode;
  readonly part: Part | undefined;
  readonly pointer: string | undefined;
  readonly shortfalls: readonly Shortfall[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    super(wellFormed(details.detail ?? catalogue[code].message), { cause: details.cause });
    this.code = code;
    this.part = details.part;
    this.pointer = details.pointer && wellFormed(details.pointer);
    this.shortfalls = details.shortfalls;
    const unavailable = catalogue[code].status === 503;
    const seconds = details.retryAfter ?? (unavailable ? retryAfterSeconds : undefined);
    const retry: Record<string, string> = seconds === undefined ? {} : { 'Retry-After': retryAfter(seconds) };
    this.headers = { ...retry, ...details.headers };
  }
}

/** `Part 3, field "cat", file "1.jpg"`: how details name a part. */
export function describePart(part: Part): string {
  const name = part.name === undefined ? '' : `, field ${JSON.stringify(part.name)}`;
  const file = part.file === undefined ? '' : `, file ${JSON.stringify(part.file)}`;
  return `Part ${part.index}${name}${file}`;
}

/** An error about one part of the body; `detail` continues `Part 3, field "cat": …`. */
export function partError(code: ErrorCode, part: Part, detail: string, cause?: unknown): ServiceError {
  return new ServiceError(code, { part, detail: `${describePart(part)}: ${detail}`, cause });
}

/** A JSON Pointer (RFC 6901) to where a path of keys leads; empty for the whole document. */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** An error about one member of a JSON body; `detail` continues `/support/3/1: …`. */
export function memberError(code: ErrorCode, path: readonly PropertyKey[], detail: string): ServiceError {
  const pointer = pointerTo(path);
  return new ServiceError(code, { pointer, detail: `${pointer === '' ? 'The body' : pointer}: ${detail}` });
}

/** Anything thrown as an error of the catalogue: express' own 4xx are `malformed-request`, the rest is `internal`. */
export function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  const isClientError = typeof status === 'number' && status >= 400 && status < 500;
  return new ServiceError(isClientError ? 'malformed-request' : 'internal', { cause: error });
}

/** The RFC 9457 document of an error: the only place that builds one. */
export function problemOf(error: ServiceError, instance: string, requestId: string): Problem {
  const { status, title } = catalogue[error.code];
  return {
    type: `urn:problem-type:m-nas:${error.code}`,
    title,
    status,
    detail: error.message,
    instance,
    code: error.code,
    requestId,
    ...(error.part === undefined ? {} : { part: error.part }),
    ...(error.pointer === undefined ? {} : { pointer: error.pointer }),
    ...(error.shortfalls === undefined ? {} : { shortfalls: [...error.shortfalls] }),
  };
}
