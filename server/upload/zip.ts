import { crc32 } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import yauzl from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { otherFormat } from '../../images/format.ts';
import { ServiceError } from '../errors/errors.ts';
import type { ErrorCode } from '../errors/errors.ts';
import { namesOf } from './zip-names.ts';
import type { EntryName } from './zip-names.ts';

export interface ZipLimits {
  /** files that count */
  readonly files: number;
  /** of one unpacked file */
  readonly fileBytes: number;
  /** of all unpacked files */
  readonly totalBytes: number;
}

/** A file of an archive; its path has slashes, and is relative, without `.` and `..`. */
export interface ZipPath extends EntryName {
  /** position among all entries of the archive */
  readonly index: number;
}

/** All entries, those that do not count included: folders, and what desktops add beside each file. */
const maxEntries = 10_000;
/** Unpacked to packed size; photos are compressed already. Files below `smallBytes` may have any. */
const maxRatio = 100;
const smallBytes = 1024 * 1024;

/** Whether bytes begin as a zip archive does, an empty one included. */
export const looksLikeZip = (bytes: Uint8Array): boolean =>
  ['PK\x03\x04', 'PK\x05\x06'].includes(Buffer.from(bytes.subarray(0, 4)).toString('latin1'));

/** Which files of an archive are wanted, with what is known of them; may read some to tell. */
export type PickFiles<T extends ZipPath> = (
  files: readonly ZipPath[],
  read: (file: ZipPath) => Promise<Uint8Array>,
) => Promise<readonly T[]>;

/**
 * The files of a zip archive that are picked, in its order; to pick from are all but folders, hidden files and what
 * macOS and Windows add. All names, and the sizes of what is picked, are checked before it is unpacked, the sizes again
 * while it is.
 * @throws ServiceError `malformed-zip`, `unsafe-zip`, `zip-too-large`, `too-many-files`, `file-too-large`; the signal's
 * reason; what picking throws
 */
export async function readZip<T extends ZipPath>(
  bytes: Uint8Array,
  limits: ZipLimits,
  signal: AbortSignal,
  pick: PickFiles<T>,
): Promise<(T & { readonly bytes: Uint8Array })[]> {
  const archive = await opened(bytes);
  const entries = await list(archive, signal);
  const names = namesOf(entries);
  for (const [index, entry] of entries.entries()) checkSafe(entry, index, names[index]!);
  const files = names.map((name, index) => ({ ...name, index })).filter(({ path }) => counts(path));
  checkTwins(files);
  const read = async (file: ZipPath) => {
    const entry = entries[file.index]!;
    checkSize(entry, file, limits);
    return unpack(archive, entry, file);
  };
  const picked = await pick(files, read);
  checkSum(entries, picked, limits);
  const unpacked: (T & { readonly bytes: Uint8Array })[] = [];
  for (const file of picked) {
    signal.throwIfAborted();
    unpacked.push({ ...file, bytes: await read(file) });
  }
  return unpacked;
}

/** `Entry 3, "cat/1.jpg"`: how details name an entry. */
export const describeEntry = (index: number, path: string) => `Entry ${index}, ${JSON.stringify(path)}`;

/** An error about one entry; `detail` continues `Entry 3, "cat/1.jpg": …`. */
export function entryError(
  code: ErrorCode,
  { index, path }: { readonly index: number; readonly path: string },
  detail: string,
  cause?: unknown,
): ServiceError {
  const part = { index, file: path };
  return new ServiceError(code, { part, detail: `${describeEntry(index, path)}: ${detail}`, cause });
}

/** The refusal of an archive, which says what it is where that is another format. */
function malformed(error: unknown, bytes?: Uint8Array): ServiceError {
  const other = bytes && !looksLikeZip(bytes) ? otherFormat(bytes) : undefined;
  const reason =
    bytes?.length === 0 ? 'it is empty' : (other ?? (error instanceof Error ? error.message : String(error)));
  return new ServiceError('malformed-zip', {
    cause: error,
    detail: `The archive cannot be read: ${reason.replace(/\.$/, '')}.`,
  });
}

async function opened(bytes: Uint8Array): Promise<ZipFile> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return await yauzl.fromBufferPromise(whole, { lazyEntries: true, decodeStrings: false });
  } catch (error) {
    throw malformed(error, bytes);
  }
}

/** The central directory's entries. */
async function list(archive: ZipFile, signal: AbortSignal): Promise<Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const entry of archive.eachEntry()) {
      signal.throwIfAborted();
      if (entries.length >= maxEntries) {
        const { path } = namesOf([entry])[0]!;
        throw entryError(
          'zip-too-large',
          { index: entries.length, path },
          `an archive has at most ${maxEntries} entries.`,
        );
      }
      entries.push(entry);
    }
  } catch (error) {
    if (error instanceof ServiceError || signal.aborted) throw error;
    throw malformed(error);
  }
  return entries;
}

/** File types of Unix, in the upper half of the external attributes; 0 where the archive was made elsewhere. */
const types = { mask: 0o170000, ordinary: [0, 0o100000, 0o040000], link: 0o120000 } as const;

/** @throws ServiceError `unsafe-zip`, for entries that could reach out of a folder were they unpacked into one */
function checkSafe({ externalFileAttributes }: Entry, index: number, { path, isKnown }: EntryName): void {
  const refuse = (detail: string) => entryError('unsafe-zip', { index, path }, detail);
  // in code pages of East Asia its byte is the second one of other characters
  if (isKnown && path.includes('\\')) throw refuse('the path has a backslash.');
  if (path.includes('\0')) throw refuse('the path has a NUL, where some programs end it.');
  if (path.startsWith('/') || /^[a-z]:/i.test(path)) throw refuse('the path is absolute.');
  if (path !== './' && path.split('/').some((segment) => segment === '..' || segment === '.'))
    throw refuse('the path has a segment "." or "..".');
  const type = (externalFileAttributes >>> 16) & types.mask;
  if (type === types.link) throw refuse('it is a symbolic link.');
  if (!types.ordinary.some((known) => known === type)) throw refuse('it is no regular file.');
}

/** @throws ServiceError `unsafe-zip` for a path that is there twice: of such entries, programs unpack one or the other */
function checkTwins(files: readonly ZipPath[]): void {
  const known = new Map<string, number>();
  for (const file of files) {
    const { path, index, isKnown } = file;
    const other = known.get(path);
    if (other !== undefined) throw entryError('unsafe-zip', file, `entry ${other} has the same path.`);
    if (isKnown) known.set(path, index); // others may look alike and differ
  }
}

/** What desktops add, in lower case. */
const litter: ReadonlySet<string> = new Set(['__macosx', 'thumbs.db', 'desktop.ini']);

/** False for folders, hidden files and folders, and what desktops add. */
function counts(path: string): boolean {
  const ignored = (segment: string) => segment.startsWith('.') || litter.has(segment.toLowerCase());
  return !path.endsWith('/') && !path.split('/').some(ignored);
}

function checkSize({ uncompressedSize, compressedSize }: Entry, file: ZipPath, limits: ZipLimits): void {
  if (uncompressedSize > limits.fileBytes)
    throw entryError(
      'file-too-large',
      file,
      `it unpacks to ${uncompressedSize} bytes, ${limits.fileBytes} are allowed.`,
    );
  if (uncompressedSize > smallBytes && uncompressedSize > maxRatio * compressedSize)
    throw entryError('zip-too-large', file, `it unpacks to more than ${maxRatio} times its size.`);
}

/** Looks at all files before the first of them is unpacked. */
function checkSum(entries: readonly Entry[], files: readonly ZipPath[], limits: ZipLimits): void {
  let total = 0;
  for (const [position, file] of files.entries()) {
    const entry = entries[file.index]!;
    total += entry.uncompressedSize;
    checkSize(entry, file, limits);
    if (total > limits.totalBytes)
      throw entryError(
        'zip-too-large',
        file,
        `with it the files unpack to more than ${limits.totalBytes} bytes.`,
      );
    if (position >= limits.files)
      throw entryError('too-many-files', file, `${limits.files} files are allowed.`);
  }
}

/** The bytes of an entry; yauzl ends with an error where they are more or fewer than announced. */
async function unpack(archive: ZipFile, entry: Entry, file: ZipPath): Promise<Uint8Array> {
  const bad = (detail: string, cause?: unknown) => entryError('malformed-zip', file, detail, cause);
  if (entry.isEncrypted()) throw bad('it is encrypted.');
  let bytes: Buffer;
  try {
    bytes = await buffer(await archive.openReadStreamPromise(entry));
  } catch (error) {
    throw bad(`it cannot be unpacked (${error instanceof Error ? error.message : String(error)}).`, error);
  }
  if (crc32(bytes) !== entry.crc32) throw bad('its bytes do not fit their checksum.');
  return bytes;
}
