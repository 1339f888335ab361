import { parse } from 'content-type';
import type { Request } from 'express';
import { checkEncoding, checkLength, readBytes } from '../upload/body.ts';
import type { BodyGate, BytesLimits, Uploader } from '../upload/body.ts';
import { ServiceError } from '../errors/errors.ts';
import { parseText } from '../upload/json.ts';

/** The length of the JSON before the binary tensors, of requests and answers that have such. */
export const jsonLength = 'Inference-Header-Content-Length';

/** Clients of Triton send no media type at all. */
const mediaTypes = ['', 'application/json', 'application/octet-stream'];

/** An inference request: JSON, and after it the binary data of tensors that have them. */
export interface InferenceBody {
  readonly value: unknown;
  readonly binary: Buffer;
}

/** `bodyBytes` bounds what the model's input may have, too. */
export interface InferenceLimits extends BytesLimits {
  /** of the JSON */
  readonly jsonBytes: number;
}

/**
 * Reads an inference request and works with it. `binaryBytes` are the most that may come after the JSON.
 * @throws ServiceError, ClientGoneError, what the work throws
 */
export type InferenceReader = <T>(
  request: Request,
  binaryBytes: number,
  work: (body: InferenceBody, uploader: Uploader) => Promise<T>,
) => Promise<T>;

/** A reader that shares the gate's places in memory with all other bodies. */
export function createInferenceReader(limits: InferenceLimits, gate: BodyGate): InferenceReader {
  const { jsonBytes, seconds } = limits;
  const checkJson = (length: number): void => {
    if (length > jsonBytes)
      throw new ServiceError('body-too-large', {
        detail: `The JSON has ${length} bytes, ${jsonBytes} are allowed; binary data take less.`,
      });
  };
  return async (request, binaryBytes, work) => {
    checkType(request);
    const mixed = request.get(jsonLength) !== undefined;
    if (!mixed) checkJson(Number(request.get('content-length') ?? 0));
    const bodyBytes = Math.min(limits.bodyBytes, jsonBytes + (mixed ? binaryBytes : 0));
    checkLength(request, bodyBytes);
    return gate(request, async (uploader) => {
      const bytes = await readBytes(request, { bodyBytes, seconds });
      const length = jsonLengthOf(request, bytes.length);
      checkJson(length);
      return work({ value: parseText(bytes.subarray(0, length)), binary: bytes.subarray(length) }, uploader);
    });
  };
}

/** @throws ServiceError `unsupported-media-type` */
function checkType(request: Request): void {
  checkEncoding(request);
  const { type } = parse(request.headers['content-type'] ?? '');
  if (mediaTypes.includes(type)) return;
  throw new ServiceError('unsupported-media-type', {
    detail: 'An inference request is application/json, or application/octet-stream with binary data.',
  });
}

/** The whole body where the header does not tell. @throws ServiceError `invalid-tensor` */
function jsonLengthOf(request: Request, bodyLength: number): number {
  const given = request.get(jsonLength);
  if (given === undefined) return bodyLength;
  const length = /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN;
  if (length <= bodyLength) return length;
  throw new ServiceError('invalid-tensor', {
    detail: `${jsonLength} must be a whole number up to the ${bodyLength} bytes of the body.`,
  });
}
