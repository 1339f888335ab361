import { memberError, pointerTo } from '../errors/errors.ts';
import type { ErrorCode } from '../errors/errors.ts';
import type { UploadedFile, UploadShape } from './files.ts';

/** Whether a body is a task of images rather than of points: its member `support` is an object by label. */
export function hasImages(body: unknown): boolean {
  return isObject(body) && isObject(body['support']);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const refuse = (path: readonly PropertyKey[], detail: string, code: ErrorCode = 'invalid-images') =>
  memberError(code, path, detail);

/**
 * The images of a body of JSON, base64 each: `{"support": {"cat": ["…", …], …}}` by label, or `{"images": ["…", …]}`.
 * @throws ServiceError naming the member at fault
 */
export function filesOfJson(body: unknown, shape: UploadShape, fileBytes: number): UploadedFile[] {
  const { member, split, files: limit } = shape;
  if (!isObject(body)) throw refuse([], `must be an object with the member ${member}.`);
  const stranger = Object.keys(body).find((key) => key !== member);
  if (stranger !== undefined) throw memberError('unexpected-member', [stranger], 'is not expected here.');
  const given = split
    ? byLabel(body[member], member)
    : [{ name: member, path: [member], images: body[member] }];
  const files: UploadedFile[] = [];
  for (const { name, path, images } of given) {
    if (!Array.isArray(images)) throw refuse(path, 'must be an array of images in base64.');
    if (images.length === 0) throw refuse(path, 'must not be empty.');
    for (const [position, image] of images.entries()) {
      const at = [...path, position];
      if (files.length >= limit) throw refuse(at, `${limit} images are allowed.`, 'too-many-files');
      files.push(fileOf(at, { index: files.length, name }, decodeImageText(image, at, fileBytes)));
    }
  }
  return files;
}

interface Given {
  readonly name: string;
  readonly path: readonly PropertyKey[];
  readonly images: unknown;
}

function byLabel(value: unknown, member: string): Given[] {
  if (!isObject(value)) throw refuse([member], 'must be an object of images by label.');
  const given = Object.entries(value);
  if (given.length === 0) throw refuse([member], 'must not be empty.');
  return given.map(([name, images]) => ({ name, path: [member, name], images }));
}

function fileOf(
  path: readonly PropertyKey[],
  { index, name }: { readonly index: number; readonly name: string },
  bytes: Uint8Array,
): UploadedFile {
  const pointer = pointerTo(path);
  return { part: { index, name, file: pointer }, place: { kind: 'member', pointer }, bytes };
}

/** A data URL (RFC 2397) up to its data; what it says of the type does not matter. */
const dataUrl = /^data:[^,]{0,200},/i;

/** @throws ServiceError `invalid-images`, `file-too-large` */
function decodeImageText(value: unknown, path: readonly PropertyKey[], limit: number): Uint8Array {
  if (typeof value !== 'string') throw refuse(path, 'must be a text: an image in base64, or a data URL.');
  const head = dataUrl.exec(value.slice(0, 300))?.[0] ?? '';
  if (head !== '' && !/;base64,$/i.test(head)) throw refuse(path, 'must be a data URL in base64.');
  const text = value.slice(head.length);
  const digits = text.length - (/={0,2}$/.exec(text.slice(-2))?.[0].length ?? 0);
  const length = Math.floor((digits * 3) / 4);
  if (length > limit) throw refuse(path, `has ${length} bytes, ${limit} are allowed.`, 'file-too-large');
  // what is no digit of base64 is skipped or ends the text, so that fewer bytes come out
  const bytes = Buffer.from(text, 'base64');
  if (digits % 4 === 1 || bytes.length !== length)
    throw refuse(path, 'is not base64 (RFC 4648), which has no line breaks and no spaces.');
  if (length === 0) throw refuse(path, 'must not be empty.');
  return bytes;
}
