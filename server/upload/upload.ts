import { parse } from 'content-type';
import type { Request, Response } from 'express';
import { checkLength, mediaTypeOf, readBytes } from './body.ts';
import type { BodyGate, MediaType, Uploader } from './body.ts';
import { partError, ServiceError } from '../errors/errors.ts';
import { pickLabelled } from './data-set.ts';
import { fileError } from './files.ts';
import type { UploadedFile, UploadShape } from './files.ts';
import { filesOfJson } from './json-images.ts';
import type { JsonReader } from './json.ts';
import { parseBody } from './multipart.ts';
import type { BodyLimits, SeenPart } from './multipart.ts';
import { entryError, looksLikeZip, readZip } from './zip.ts';

/** What a boundary may be made of (RFC 2046, 5.1.1). */
const boundaryPattern = /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/;

/** The boundary of a body's parts. @throws ServiceError when its content type has none that can be used */
function boundaryOf(header: string): string {
  const boundary = parse(header).parameters['boundary'] ?? '';
  if (boundary === '') throw new ServiceError('missing-boundary');
  if (!boundaryPattern.test(boundary))
    throw new ServiceError('malformed-multipart', {
      detail: `The boundary ${JSON.stringify(boundary)} has characters that no boundary may have, or more than 70.`,
    });
  return boundary;
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
 * Reads the files of a body and works with them. A body is
 * multipart/form-data, a zip archive (also as the only part of a form), or JSON with images in base64.
 * @throws ServiceError, ClientGoneError, what the work throws
 */
export type UploadReader = <T>(
  request: Request,
  response: Response,
  shape: UploadShape,
  work: (files: readonly UploadedFile[], uploader: Uploader) => Promise<T>,
) => Promise<T>;

export const uploadTypes: readonly MediaType[] = [
  'multipart/form-data',
  'application/zip',
  'application/json',
];

/** A reader that shares the gate's places in memory with all other bodies. */
export function createUploadReader(
  limits: Omit<BodyLimits, 'files'>,
  gate: BodyGate,
  readJson: JsonReader,
): UploadReader {
  return async (request, response, shape, work) => {
    switch (mediaTypeOf(request, uploadTypes)) {
      case 'multipart/form-data': {
        const boundary = boundaryOf(request.headers['content-type'] ?? '');
        checkLength(request, limits.bodyBytes);
        return gate(request, async (uploader) => {
          const files = await readForm(request, response, boundary, { ...limits, files: shape.files });
          return work(await unpacked(files, shape, limits, uploader.signal), uploader);
        });
      }
      case 'application/zip':
        checkLength(request, limits.bodyBytes);
        return gate(request, async (uploader) => {
          const bytes = await readBytes(request, limits);
          return work(await filesOfZip(bytes, shape, limits, uploader.signal), uploader);
        });
      case 'application/json':
        return readJson(request, (body, uploader) =>
          work(filesOfJson(body, shape, limits.fileBytes), uploader),
        );
    }
  };
}

/** The files of a form, or of the archive that is its only file. */
async function unpacked(
  files: readonly UploadedFile[],
  shape: UploadShape,
  limits: Omit<BodyLimits, 'files'>,
  signal: AbortSignal,
): Promise<readonly UploadedFile[]> {
  if (shape.split === undefined) {
    const stranger = files.find(({ part }) => part.name !== shape.member);
    if (stranger) throw fileError('unexpected-part', stranger, `the field name must be ${shape.member}.`);
  }
  const [only, ...others] = files;
  if (only === undefined || others.length > 0 || !looksLikeZip(only.bytes)) return files;
  return filesOfZip(only.bytes, shape, limits, signal);
}

/** @throws ServiceError when the archive cannot be used, or a file has no class though it needs one */
async function filesOfZip(
  bytes: Uint8Array,
  { files, split, member }: UploadShape,
  { fileBytes, bodyBytes }: Omit<BodyLimits, 'files'>,
  signal: AbortSignal,
): Promise<readonly UploadedFile[]> {
  const limits = { files, fileBytes, totalBytes: bodyBytes };
  const picked = await readZip(bytes, limits, signal, async (listed, read) => {
    if (listed.length === 0) throw new ServiceError('no-files', { detail: 'The archive has no file.' });
    if (split === undefined) return listed.map((file) => ({ ...file, name: member }));
    return pickLabelled(listed, split, read);
  });
  return picked.map(({ index, name, path, bytes: content }) => {
    if (content.length === 0) throw entryError('empty-file', { index, path }, 'the file has no content.');
    return { part: { index, name, file: path }, place: { kind: 'entry' }, bytes: content };
  });
}

/**
 * The file parts of a multipart/form-data body in their order, in memory. Field names are any Unicode, without bracket
 * nesting.
 * @throws ServiceError for every body that is malformed, truncated, late, over a limit or not made of files alone
 */
async function readForm(
  request: Request,
  response: Response,
  boundary: string,
  limits: BodyLimits,
): Promise<readonly UploadedFile[]> {
  const seen: SeenPart[] = [];
  const files = await parseBody(request, response, boundary, limits, seen);
  checkParts(seen);
  return files.map(({ part, bytes }) => {
    if (bytes.length === 0) throw partError('empty-file', part, 'the file has no content.');
    return {
      part: { ...part, name: part.name ?? '', file: part.file ?? '' },
      place: { kind: 'part' },
      bytes,
    };
  });
}
