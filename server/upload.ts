import { format, parse } from 'content-type';
import type { Request, Response } from 'express';
import { checkLength, mediaTypeOf, type BodyGate } from './body.ts';
import { partError, ServiceError, type Part } from './errors.ts';
import { parseBody, type BodyLimits, type SeenPart } from './multipart.ts';

/** A file part of a multipart body, held in memory. */
export interface UploadedFile {
  readonly part: Part & { readonly name: string; readonly file: string };
  readonly bytes: Uint8Array;
}

/** What a boundary may be made of (RFC 2046, 5.1.1). */
const BOUNDARY = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;

/**
 * The body's content type, in the one way of writing it that every parser below reads alike.
 * @throws ServiceError when it has no usable boundary
 */
function contentTypeOf(header: string): string {
  const { type, parameters } = parse(header);
  const boundary = parameters['boundary'] ?? '';
  if (boundary === '') throw new ServiceError('missing-boundary');
  if (!BOUNDARY.test(boundary))
    throw new ServiceError('malformed-multipart', {
      detail: `The boundary ${JSON.stringify(boundary)} has characters that no boundary may have, or more than 70.`,
    });
  return format({ type, parameters: { boundary } });
}

/**
 * Sees to it that the headers alone do not refuse the body; leaves the content type of the request normalised.
 * @throws ServiceError
 */
function checkHeaders(request: Request, limits: Pick<BodyLimits, 'bodyBytes'>): void {
  mediaTypeOf(request, ['multipart/form-data']);
  const { headers } = request;
  headers['content-type'] = contentTypeOf(headers['content-type'] ?? '');
  checkLength(request, limits.bodyBytes);
}

/** @throws ServiceError when a part is no file with content */
function checkParts(seen: readonly SeenPart[]): void {
  for (const { kind, part } of seen) {
    if (kind === 'text') throw partError('text-part', part, 'every part must be a file.');
    if (part.file === undefined)
      throw partError('empty-file', part, 'the part has no file name, so no file was chosen.');
  }
  if (seen.length === 0) throw new ServiceError('no-files');
}

/**
 * Reads a body of at most `files` files and works with them; the signal aborts when the client hangs up.
 * @throws ServiceError, ClientGoneError, what the work throws
 */
export type UploadReader = <T>(
  request: Request,
  response: Response,
  files: number,
  work: (files: readonly UploadedFile[], signal: AbortSignal) => Promise<T>,
) => Promise<T>;

/** A reader that shares the gate's places in memory with all other bodies. */
export function createUploadReader(limits: Omit<BodyLimits, 'files'>, gate: BodyGate): UploadReader {
  return async (request, response, files, work) => {
    checkHeaders(request, limits);
    return gate(request, async (signal) =>
      work(await readUpload(request, response, { ...limits, files }), signal),
    );
  };
}

/**
 * The file parts of a multipart/form-data body in their order, in memory. Field names are any Unicode, without bracket
 * nesting; `%22`, `%0A` and `%0D`, as browsers and curl write what cannot stand in a header, are decoded.
 * @throws ServiceError for every body that is malformed, truncated, late, over a limit or not made of files alone
 */
async function readUpload(
  request: Request,
  response: Response,
  limits: BodyLimits,
): Promise<readonly UploadedFile[]> {
  const seen: SeenPart[] = [];
  await parseBody(request, response, limits, seen);
  checkParts(seen);
  const files = Array.isArray(request.files) ? request.files : [];
  return files.map((file, index) => {
    const part = { index, name: file.fieldname, file: file.originalname };
    if (file.size === 0) throw partError('empty-file', part, 'the file has no content.');
    return { part, bytes: file.buffer };
  });
}
