import { format } from 'content-type';
import type { Request, Response } from 'express';
import multer from 'multer';
import type { Readable, Writable } from 'node:stream';
import { decodedBody, lateBody, longBody, translateBody } from './body.ts';
import { CanonicalParts } from './canonical-parts.ts';
import { partError, ServiceError } from '../errors/errors.ts';
import type { ErrorCode, Part } from '../errors/errors.ts';

export interface BodyLimits {
  readonly files: number;
  readonly fileBytes: number;
  /** of the whole body: memory storage makes files × fileBytes no useful bound */
  readonly bodyBytes: number;
  /** until the whole body must have arrived */
  readonly seconds: number;
}

/** A part as the parser meets it; `kind` tells text fields from files. */
export interface SeenPart {
  readonly kind: 'file' | 'text';
  readonly part: Part;
}

/** multer hands the request to the parser through this hook (2.5, not yet in its type declarations). */
type StreamingOptions = multer.Options & { streamHandler: (request: Request, parser: Writable) => void };

/** Text fields are refused; a few are let through the parser so that the first of them can be named. */
const textFields = { count: 20, bytes: 4096 };

const multerCodes: Readonly<Partial<Record<string, { code: ErrorCode; detail: string }>>> = {
  LIMIT_PART_COUNT: { code: 'too-many-files', detail: 'the body has more parts than allowed.' },
  LIMIT_FILE_COUNT: { code: 'too-many-files', detail: 'the body has more files than allowed after it.' },
  LIMIT_FILE_SIZE: { code: 'file-too-large', detail: 'the file is over the limit.' },
  LIMIT_FIELD_COUNT: {
    code: 'too-many-fields',
    detail: 'the body has more text fields than allowed after it.',
  },
  LIMIT_FIELD_VALUE: { code: 'too-many-fields', detail: 'the text is longer than allowed.' },
};

/** The parser's complaints (busboy throws plain errors, so the message is all there is). */
const parserMessages: readonly { readonly pattern: RegExp; readonly code: ErrorCode }[] = [
  { pattern: /^(Unexpected end of (form|file)|Request (aborted|closed)|aborted)$/, code: 'truncated-body' },
  {
    pattern: /^(Malformed part header|Unsupported content type|Malformed content type)/,
    code: 'malformed-multipart',
  },
  { pattern: /Boundary not found/, code: 'missing-boundary' },
];

/** A fault of multer or busboy as an error of the catalogue; what neither table knows stays as it is. */
export function translate(error: unknown, last: SeenPart | undefined): Error {
  if (!(error instanceof Error)) return new Error('multer threw no error', { cause: error });
  const known = error instanceof multer.MulterError ? multerCodes[error.code] : undefined;
  if (known) {
    if (last) return partError(known.code, last.part, known.detail, error);
    return new ServiceError(known.code, { cause: error });
  }
  const match = parserMessages.find(({ pattern }) => pattern.test(error.message));
  if (!match) return error;
  if (last)
    return partError(
      match.code,
      last.part,
      `the body ends or breaks in or after it (${error.message}).`,
      error,
    );
  return new ServiceError(match.code, { cause: error });
}

/** What the parser may accept. */
function parserLimits({ files, fileBytes }: BodyLimits): multer.Options['limits'] {
  return {
    files,
    fileSize: fileBytes,
    fields: textFields.count,
    fieldSize: textFields.bytes,
    parts: files + textFields.count,
    headerPairs: 32,
  };
}

const inMemory = multer.memoryStorage();
/** multer's storage in memory, which is over with a file at its limit, not only once all that is too much has come. */
const memoryStorage: multer.StorageEngine = {
  _handleFile: (request, file, callback) => {
    file.stream.once('limit', () => callback(new Error('the file is over the limit')));
    inMemory._handleFile(request, file, callback);
  },
  _removeFile: (request, file, callback) => inMemory._removeFile(request, file, callback),
};

/** A file of a form, in memory. */
export interface FormFile {
  readonly part: Part;
  readonly bytes: Uint8Array;
}

/**
 * The files of the body in their order, parsed with multer behind `CanonicalParts`; notes every part in `seen`, and
 * refuses once the body is too long or too late. multer tells an error only when the request that it was given has
 * ended, so it is given a stream of its own, which ends when multer lets go of it. Of a text part the parser tells when
 * that is over.
 */
export function parseBody(
  request: Request,
  response: Response,
  boundary: string,
  limits: BodyLimits,
  seen: SeenPart[],
): Promise<readonly FormFile[]> {
  return new Promise((resolve, reject) => {
    const source = decodedBody(request);
    const stop = () => {
      clearTimeout(timer);
      source.unpipe(body);
      source.resume(); // drops the rest
      body.destroy();
    };
    const refuse = (error: Error) => {
      reject(error);
      stop();
    };
    const body = new CanonicalParts(boundary, refuse);
    const { parts } = body;
    const timer = setTimeout(() => refuse(lateBody(limits.seconds)), limits.seconds * 1000);
    request.on('error', (error) => body.destroy(error)); // the client hung up
    if (source !== request) source.on('error', (error) => refuse(translateBody(error, limits.bodyBytes)));
    const options: StreamingOptions = {
      storage: memoryStorage,
      limits: parserLimits(limits),
      streamHandler: (_body, parser) => {
        watchParts(parser, parts, seen);
        watchLength(source, limits.bodyBytes, refuse);
        parser.once('unpipe', stop);
        source.pipe(body).pipe(parser);
      },
    };
    const type = format({ type: 'multipart/form-data', parameters: { boundary } });
    // of a request multer reads the stream and the headers, and leaves the files there
    const read = Object.assign(body, {
      headers: { ...request.headers, 'content-type': type },
    }) as unknown as Request;
    multer(options).any()(read, response, (error: unknown) => {
      stop();
      if (error === undefined) resolve(filesOf(read.files, parts));
      else reject(translate(error, seen.at(-1)));
    });
  });
}

/** multer's files with what their parts' own headers said. */
function filesOf(files: Request['files'], parts: readonly Part[]): readonly FormFile[] {
  const all = Array.isArray(files) ? files : [];
  return all.map(({ fieldname, buffer }) => ({ part: parts[Number(fieldname)]!, bytes: buffer }));
}

/** Tells of every chunk over the limit. */
function watchLength(source: Readable, limit: number, refuse: (error: Error) => void): void {
  let received = 0;
  source.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received > limit) refuse(longBody(limit));
  });
}

/** Notes the parts in order, before multer's own listeners act on them. */
function watchParts(parser: Writable, parts: readonly Part[], seen: SeenPart[]): void {
  const note = (kind: SeenPart['kind'], name: string) => seen.push({ kind, part: parts[Number(name)]! });
  parser.prependListener('file', (name: string) => note('file', name));
  parser.prependListener('field', (name: string) => note('text', name));
}
