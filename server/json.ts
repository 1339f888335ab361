import { parse } from 'content-type';
import type { Request } from 'express';
import getRawBody from 'raw-body';
import type { z } from 'zod';
import { checkLength, lateBody, longBody, mediaTypeOf, type BodyGate } from './body.ts';
import { memberError, ServiceError, type ErrorCode } from './errors.ts';

export interface JsonLimits {
  readonly bodyBytes: number;
  /** until the whole body must have arrived */
  readonly seconds: number;
}

/**
 * Reads a body of JSON and works with its value; the signal aborts when the client hangs up.
 * @throws ServiceError, ClientGoneError, what the work throws
 */
export type JsonReader = <T>(
  request: Request,
  work: (value: unknown, signal: AbortSignal) => Promise<T>,
) => Promise<T>;

/** A reader that shares the gate's places in memory with all other bodies. */
export function createJsonReader(limits: JsonLimits, gate: BodyGate): JsonReader {
  return async (request, work) => {
    mediaTypeOf(request, ['application/json']);
    checkCharset(request);
    checkLength(request, limits.bodyBytes);
    return gate(request, async (signal) => work(parseText(await readBytes(request, limits)), signal));
  };
}

/** JSON has no other encoding between systems than UTF-8 (RFC 8259, 8.1). */
function checkCharset({ headers }: Request): void {
  const charset = parse(headers['content-type'] ?? '').parameters['charset'];
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8')
    throw new ServiceError('unsupported-media-type', {
      detail: `The charset ${JSON.stringify(charset)} is not accepted; JSON is UTF-8.`,
      headers: { 'Accept-Post': 'application/json' },
    });
}

async function readBytes(request: Request, { bodyBytes, seconds }: JsonLimits): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(lateBody(seconds)), seconds * 1000);
  });
  try {
    return await Promise.race([getRawBody(request, { limit: bodyBytes }), late]);
  } catch (error) {
    request.resume(); // drops the rest, which raw-body leaves standing
    throw translate(error, bodyBytes);
  } finally {
    clearTimeout(timer);
  }
}

/** A fault of raw-body as an error of the catalogue. */
function translate(error: unknown, limit: number): unknown {
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  if (type === 'entity.too.large') return longBody(limit);
  if (type === 'request.aborted') return new ServiceError('truncated-body', { cause: error });
  return error;
}

function parseText(bytes: Uint8Array): unknown {
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
