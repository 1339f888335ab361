import { parse as parseType } from 'content-type';
import type { Request } from 'express';
import type * as z from 'zod';
import { checkLength, mediaTypeOf, readBytes } from './body.ts';
import type { BodyGate, BytesLimits, Uploader } from './body.ts';
import { memberError, ServiceError } from '../errors/errors.ts';
import type { ErrorCode } from '../errors/errors.ts';

export interface JsonLimits extends BytesLimits {
  /** of the body outside of strings, and escapes in them: arrays and objects take a hundred times their text in memory */
  readonly structureBytes: number;
}

/**
 * Reads a body of JSON and works with its value.
 * @throws ServiceError, ClientGoneError, what the work throws
 */
export type JsonReader = <T>(
  request: Request,
  work: (value: unknown, uploader: Uploader) => Promise<T>,
) => Promise<T>;

/** A reader that shares the gate's places in memory with all other bodies. */
export function createJsonReader(limits: JsonLimits, gate: BodyGate): JsonReader {
  return async (request, work) => {
    mediaTypeOf(request, ['application/json']);
    checkCharset(request);
    checkLength(request, limits.bodyBytes);
    return gate(request, async (uploader) => {
      const bytes = await readBytes(request, limits);
      checkStructure(bytes, limits.structureBytes);
      return work(parseText(bytes), uploader);
    });
  };
}

/** JSON has no other encoding between systems than UTF-8 (RFC 8259, 8.1). */
function checkCharset({ headers }: Request): void {
  const charset = parseType(headers['content-type'] ?? '').parameters['charset'];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8')
    throw new ServiceError('unsupported-media-type', {
      detail: `The charset ${JSON.stringify(charset)} is not accepted; JSON is UTF-8.`,
      headers: { 'Accept-Post': 'application/json' },
    });
}

/** Sees to it that most of a large body is the plain text of strings. @throws ServiceError `body-too-large` */
function checkStructure(bytes: Buffer, limit: number): void {
  let outside = countEscapes(bytes, limit);
  let at = 0;
  while (at < bytes.length && outside <= limit) {
    const opening = bytes.indexOf(quote, at);
    outside += (opening < 0 ? bytes.length : opening) - at;
    if (opening < 0) break;
    at = endOfString(bytes, opening + 1);
  }
  if (outside > limit)
    throw new ServiceError('body-too-large', {
      detail: `The body has more than the ${limit} bytes outside of strings and escapes in them that are allowed.`,
    });
}

const quote = 0x22;
const backslash = 0x5c;

/** The backslashes of a text, as far as the limit and one more: each costs parsing many times what a plain byte does. */
function countEscapes(bytes: Buffer, limit: number): number {
  let escapes = 0;
  for (let at = 0; at < bytes.length && escapes <= limit; at++) if (bytes[at] === backslash) escapes++;
  return escapes;
}

/** The position after the quote that ends a string; the body's length where none does. */
function endOfString(bytes: Buffer, start: number): number {
  for (let at = bytes.indexOf(quote, start); at >= 0; at = bytes.indexOf(quote, at + 1)) {
    let escapes = 0;
    while (bytes[at - 1 - escapes] === backslash && at - 1 - escapes >= start) escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
  return bytes.length;
}

/** The value of a JSON text. @throws ServiceError `malformed-json` */
export function parseText(bytes: Buffer): unknown {
  const value = parse(bytes);
  checkNames(bytes);
  return value;
}

const [colon, openingBrace, closingBrace] = [0x3a, 0x7b, 0x7d] as const;
/** White space of JSON. */
const spaces: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Of a member that is there twice one would be lost (RFC 7493, 2.3). @throws ServiceError `malformed-json` */
function checkNames(bytes: Buffer): void {
  const open: Set<string>[] = [];
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === openingBrace) open.push(new Set());
    else if (bytes[at] === closingBrace) open.pop();
    if (bytes[at] !== quote) continue;
    const end = endOfString(bytes, at + 1);
    let next = end;
    while (spaces.has(bytes[next])) next++;
    if (bytes[next] === colon) {
      const name = JSON.parse(bytes.toString('utf8', at, end)) as string;
      if (open.at(-1)?.has(name))
        throw new ServiceError('malformed-json', {
          detail: `The body has the member ${JSON.stringify(name)} twice in one object.`,
        });
      open.at(-1)?.add(name);
    }
    at = end - 1;
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    // V8 says what is wrong, and where by position or excerpt
    const detail = error instanceof SyntaxError ? `The body is not JSON: ${error.message}.` : undefined;
    throw new ServiceError('malformed-json', { cause: error, ...(detail === undefined ? {} : { detail }) });
  }
}

/** For a refinement whose failure is another error than that of the whole schema. */
export const failingAs = (code: ErrorCode): { readonly params: { readonly code: ErrorCode } } => ({
  params: { code },
});

/**
 * The value by its schema, a strict object.
 * @throws ServiceError about the first member at fault: `unexpected-member`, the refinement's own or `invalid`
 */
export function parseMembers<T>(schema: z.ZodType<T>, value: unknown, invalid: ErrorCode): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (!issue) throw parsed.error;
  if (issue.code === 'unrecognized_keys')
    throw memberError('unexpected-member', [...issue.path, issue.keys[0]!], 'is not expected here.');
  const own =
    issue.code === 'custom' ? (issue.params as { readonly code?: ErrorCode } | undefined) : undefined;
  throw memberError(own?.code ?? invalid, issue.path, `${issue.message}.`);
}
