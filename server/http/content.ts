import type { Request, Response } from 'express';
import { ServiceError } from '../errors/errors.ts';
import { sha256 } from '../storage/sha256.ts';
import { holdUntilRead } from './unread.ts';

/** Bytes that a GET answers with. */
export interface Content {
  readonly bytes: Uint8Array;
  /** of the bytes, where it is known */
  readonly sha256?: string;
  readonly type: string;
  readonly cacheControl: string;
  /** of a download, the name that the client is to save it under: ranges of its bytes can be asked for */
  readonly file?: string;
}

/** Content of JSON, as `response.json` writes it. */
export const jsonContent = (value: unknown, cacheControl: string): Content => ({
  bytes: Buffer.from(JSON.stringify(value)),
  type: 'application/json; charset=utf-8',
  cacheControl,
});

/** Private, since a task is made from somebody's photos; immutable (RFC 8246) is what an id names by its content. */
export const immutable = 'private, max-age=31536000, immutable';
/** For what another version of the service may make differently of the same task. */
export const revalidate = 'private, no-cache';

/**
 * Answers GET and HEAD (RFC 9110): a strong ETag, the SHA-256 of the bytes; 304 by If-None-Match; of a download a
 * single range of bytes as 206, under If-Range too, of several ranges the whole. Digests by RFC 9530: Repr-Digest is of
 * the whole, Content-Digest of what is sent.
 * @throws ServiceError `range-not-satisfiable`, `too-much-at-once`, `overloaded`
 */
export function sendContent(request: Request, response: Response, content: Content): void {
  const { bytes, sha256: hash = sha256(bytes), type, cacheControl, file } = content;
  response.set('ETag', `"${hash}"`);
  if (request.fresh) {
    response.status(304).set('Cache-Control', cacheControl).end();
    return;
  }
  // before the other headers, none of which an error is to have
  const range = file === undefined ? undefined : rangeOf(request, response, bytes.length);
  if (request.method === 'GET') holdUntilRead(request, response, bytes);
  if (file !== undefined)
    response.set({ 'Accept-Ranges': 'bytes', 'Content-Disposition': `attachment; filename="${file}"` });
  const sent = range ? bytes.subarray(range.start, range.end + 1) : bytes;
  if (range) response.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${bytes.length}`);
  response.set({
    'Cache-Control': cacheControl,
    'Content-Type': type,
    'Content-Digest': digestOf(range ? sha256(sent) : hash),
    'Repr-Digest': digestOf(hash),
  });
  response.send(Buffer.from(sent.buffer, sent.byteOffset, sent.length));
}

const digestOf = (hash: string) => `sha-256=:${Buffer.from(hash, 'hex').toString('base64')}:`;

interface ByteRange {
  readonly start: number;
  /** inclusive */
  readonly end: number;
}

/** The one range that is asked for; undefined for the whole. */
function rangeOf(request: Request, response: Response, length: number): ByteRange | undefined {
  const condition = request.get('If-Range');
  if (request.method !== 'GET' || (condition !== undefined && condition !== response.get('ETag')))
    return undefined;
  const asked = request.get('Range') ?? '';
  const ranges = parseRanges(asked, length);
  if (ranges?.length === 0)
    throw new ServiceError('range-not-satisfiable', {
      detail: `The content has ${length} bytes; the range ${JSON.stringify(asked)} has none of them.`,
      headers: { 'Content-Range': `bytes */${length}` },
    });
  return ranges?.length === 1 ? ranges[0] : undefined;
}

/**
 * The ranges of a header that have bytes of the content (RFC 9110, 14.1.2): a suffix longer than the content is the
 * whole of it. Undefined where the header is none of byte ranges, which is then passed over.
 */
export function parseRanges(header: string, length: number): readonly ByteRange[] | undefined {
  const set = /^bytes=(.*)$/i.exec(header)?.[1];
  const specs = set?.split(',').map((spec) => /^[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/.exec(spec));
  if (!specs?.every((spec) => spec !== null)) return undefined;
  const ranges = specs.map(([, first, last, suffix]) =>
    suffix === undefined
      ? { start: Number(first), end: last ? Math.min(Number(last), length - 1) : length - 1, last }
      : { start: Math.max(0, length - Number(suffix)), end: length - 1, last: undefined },
  );
  // a range that ends before it starts makes the whole header invalid
  if (ranges.some(({ start, last }) => last && Number(last) < start)) return undefined;
  return ranges.filter(({ start }) => start < length).map(({ start, end }) => ({ start, end }));
}
