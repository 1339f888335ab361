import type { Request, Response } from 'express';
import { ServiceError } from '../errors/errors.ts';
import { sha256 } from '../storage/sha256.ts';

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
export const IMMUTABLE = 'private, max-age=31536000, immutable';
/** For what another version of the service may make differently of the same task. */
export const REVALIDATE = 'private, no-cache';

/**
 * Answers GET and HEAD (RFC 9110): a strong ETag, the SHA-256 of the bytes; 304 by If-None-Match; of a download a
 * single range of bytes as 206, under If-Range too, of several ranges the whole. Digests by RFC 9530: Repr-Digest is of
 * the whole, Content-Digest of what is sent.
 * @throws ServiceError `range-not-satisfiable`
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

/** The one range that is asked for, both ends inclusive; undefined for the whole. */
function rangeOf(
  request: Request,
  response: Response,
  length: number,
): { readonly start: number; readonly end: number } | undefined {
  const condition = request.get('If-Range');
  if (request.method !== 'GET' || (condition !== undefined && condition !== response.get('ETag')))
    return undefined;
  const ranges = request.range(length, { combine: true });
  if (ranges === -1)
    throw new ServiceError('range-not-satisfiable', {
      detail: `The content has ${length} bytes; the range ${JSON.stringify(request.get('Range'))} has none of them.`,
      headers: { 'Content-Range': `bytes */${length}` },
    });
  return Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges[0] : undefined;
}
