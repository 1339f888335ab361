import type { Request, Response } from 'express';
import multer from 'multer';
import type { Writable } from 'node:stream';
import { whileConnected } from './client.ts';
import { partError, ServiceError, type ErrorCode, type Part } from './errors.ts';

export interface UploadLimits {
  readonly files: number;
  readonly fileBytes: number;
  /** of the whole body: memory storage makes files × fileBytes no useful bound */
  readonly bodyBytes: number;
  /** until the whole body must have arrived */
  readonly seconds: number;
}

/** A file part of a multipart body, held in memory. */
export interface UploadedFile {
  readonly part: Part & { readonly name: string; readonly file: string };
  readonly bytes: Uint8Array;
}

/** A part as the parser meets it; `kind` tells text fields from files. */
interface SeenPart {
  readonly kind: 'file' | 'text';
  readonly part: Part;
}

/** multer hands the request to the parser through this hook (2.5, not yet in its type declarations). */
type StreamingOptions = multer.Options & { streamHandler: (request: Request, parser: Writable) => void };

/** Text fields are refused; a few are let through the parser so that the first of them can be named. */
const TEXT_FIELDS = { count: 20, bytes: 4096 };
/** UTF-16 units: 100 code points, each up to two units or an escape of three. */
const FIELD_NAME_LENGTH = 1000;

const MULTER_CODES: Readonly<Partial<Record<string, { code: ErrorCode; detail: string }>>> = {
  LIMIT_PART_COUNT: { code: 'too-many-files', detail: 'the body has more parts than allowed.' },
  LIMIT_FILE_COUNT: { code: 'too-many-files', detail: 'the body has more files than allowed after it.' },
  LIMIT_FILE_SIZE: { code: 'file-too-large', detail: 'the file is over the limit.' },
  LIMIT_FIELD_COUNT: {
    code: 'too-many-fields',
    detail: 'the body has more text fields than allowed after it.',
  },
  LIMIT_FIELD_VALUE: { code: 'too-many-fields', detail: 'the text is longer than allowed.' },
  LIMIT_FIELD_KEY: { code: 'invalid-label', detail: 'the field name is too long.' },
  MISSING_FIELD_NAME: { code: 'missing-field-name', detail: 'the part has no field name.' },
  INVALID_FIELD_NAME: { code: 'text-part', detail: 'every part must be a file.' },
};

/** The parser's complaints (busboy throws plain errors, so the message is all there is). */
const PARSER_MESSAGES: readonly { readonly pattern: RegExp; readonly code: ErrorCode }[] = [
  { pattern: /^(Unexpected end of (form|file)|Request (aborted|closed)|aborted)$/, code: 'truncated-body' },
  {
    pattern: /^(Malformed part header|Unsupported content type|Malformed content type)/,
    code: 'malformed-multipart',
  },
];

/** A fault of multer or busboy as an error of the catalogue; what neither table knows stays as it is. */
function translate(error: unknown, last: SeenPart | undefined): Error {
  if (!(error instanceof Error)) return new Error('multer threw no error', { cause: error });
  const known = error instanceof multer.MulterError ? MULTER_CODES[error.code] : undefined;
  if (known) {
    if (last) return partError(known.code, last.part, known.detail, error);
    return new ServiceError(known.code, { cause: error });
  }
  const match = PARSER_MESSAGES.find(({ pattern }) => pattern.test(error.message));
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

/** @throws ServiceError when the headers alone show that the body cannot be accepted */
function checkHeaders(request: Request, limits: Pick<UploadLimits, 'bodyBytes'>): void {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').split(';');
  const encoding = request.headers['content-encoding'];
  if (
    type.trim().toLowerCase() !== 'multipart/form-data' ||
    (encoding !== undefined && encoding !== 'identity')
  )
    throw new ServiceError('unsupported-media-type', { headers: { 'Accept-Post': 'multipart/form-data' } });
  if (!parameters.some((parameter) => /^\s*boundary=("[^"]+"|[^"\s]+)/i.test(parameter)))
    throw new ServiceError('missing-boundary');
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > limits.bodyBytes)
    throw new ServiceError('body-too-large', {
      detail: `The body has ${length} bytes, ${limits.bodyBytes} are allowed.`,
    });
}

/** Parses the body with multer, noting every part in `seen`, and refusing once it is too long or too late. */
function parseBody(
  request: Request,
  response: Response,
  limits: UploadLimits,
  seen: SeenPart[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (code: ErrorCode, detail: string) => {
      clearTimeout(timer);
      reject(new ServiceError(code, { detail }));
      request.unpipe();
      request.resume();
    };
    const timer = setTimeout(
      () => refuse('upload-timeout', `The body did not arrive within ${limits.seconds} seconds.`),
      limits.seconds * 1000,
    );
    const options: StreamingOptions = {
      storage: multer.memoryStorage(),
      defParamCharset: 'utf8',
      limits: {
        files: limits.files,
        fileSize: limits.fileBytes,
        fields: TEXT_FIELDS.count,
        fieldSize: TEXT_FIELDS.bytes,
        fieldNameSize: FIELD_NAME_LENGTH,
        fieldNestingDepth: FIELD_NAME_LENGTH,
        parts: limits.files + TEXT_FIELDS.count,
        headerPairs: 32,
      },
      streamHandler: (_request, parser) => {
        watchParts(parser, seen);
        let received = 0;
        request.on('data', (chunk: Buffer) => {
          received += chunk.length;
          if (received > limits.bodyBytes)
            refuse(
              'body-too-large',
              `The body has more than the ${limits.bodyBytes} bytes that are allowed.`,
            );
        });
        request.pipe(parser);
      },
    };
    multer(options).any()(request, response, (error: unknown) => {
      clearTimeout(timer);
      if (error === undefined) resolve();
      else reject(translate(error, seen.at(-1)));
    });
  });
}

/** Notes the parts in order, before multer's own listeners act on them. */
function watchParts(parser: Writable, seen: SeenPart[]): void {
  const note = (kind: SeenPart['kind'], name: string | undefined, file: string | undefined) =>
    seen.push({
      kind,
      part: {
        index: seen.length,
        ...(name === undefined ? {} : { name }),
        ...(file === undefined || file === '' ? {} : { file }),
      },
    });
  parser.prependListener('file', (name: string | undefined, _stream: unknown, info: { filename?: string }) =>
    note('file', name, info.filename),
  );
  parser.prependListener('field', (name: string | undefined) => note('text', name, undefined));
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

/** A reader that holds at most `parallel` uploads in memory at a time: from their first byte to the end of the work. */
export function createUploadReader(limits: Omit<UploadLimits, 'files'>, parallel: number): UploadReader {
  let held = 0;
  return (request, response, files, work) =>
    whileConnected(request, async (signal) => {
      checkHeaders(request, limits);
      if (held >= parallel)
        throw new ServiceError('overloaded', { detail: `${held} uploads are being worked on.` });
      held++;
      try {
        return await work(await readUpload(request, response, { ...limits, files }), signal);
      } finally {
        held--;
      }
    });
}

/**
 * The file parts of a multipart/form-data body in their order, in memory. Field names are taken as they are:
 * no bracket nesting, any Unicode.
 * @throws ServiceError for every body that is malformed, truncated, late, over a limit or not made of files alone
 */
async function readUpload(
  request: Request,
  response: Response,
  limits: UploadLimits,
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
