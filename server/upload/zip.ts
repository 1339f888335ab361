import { crc32 } from 'node:zlib';
import { buffer } from 'node:stream/consumers';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { ServiceError, type ErrorCode } from '../errors/errors.ts';

export interface ZipLimits {
  /** files that count */
  readonly files: number;
  /** of one unpacked file */
  readonly fileBytes: number;
  /** of all unpacked files */
  readonly totalBytes: number;
}

/** A file of an archive. */
export interface ZippedFile {
  /** position among all entries of the archive */
  readonly index: number;
  /** with slashes, relative, without `.` and `..` */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** All entries, those that do not count included: folders, and what desktops add beside each file. */
const MAX_ENTRIES = 10_000;
/** Unpacked to packed size; photos are compressed already. Files below `SMALL_BYTES` may have any. */
const MAX_RATIO = 100;
const SMALL_BYTES = 1024 * 1024;

/** Whether bytes begin as a zip archive does, an empty one included. */
export const looksLikeZip = (bytes: Uint8Array): boolean =>
  ['PK\x03\x04', 'PK\x05\x06'].includes(Buffer.from(bytes.subarray(0, 4)).toString('latin1'));

/**
 * The files of a zip archive in its order, without folders, hidden files and what macOS and Windows add. All names and
 * sizes are checked before anything is unpacked, the sizes again while it is.
 * @throws ServiceError `malformed-zip`, `unsafe-zip`, `zip-too-large`, `too-many-files`, `file-too-large`; the signal's reason
 */
export async function readZip(
  bytes: Uint8Array,
  limits: ZipLimits,
  signal: AbortSignal,
): Promise<ZippedFile[]> {
  const archive = await opened(bytes);
  const listed = await list(archive, limits, signal);
  const files: ZippedFile[] = [];
  for (const { entry, index, path } of listed) {
    signal.throwIfAborted();
    files.push({ index, path, bytes: await unpack(archive, { entry, index, path }) });
  }
  return files;
}

/** An entry that counts. */
interface ListedEntry {
  readonly entry: Entry;
  readonly index: number;
  readonly path: string;
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

const malformed = (error: unknown) =>
  new ServiceError('malformed-zip', {
    cause: error,
    detail: `The archive cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
  });

async function opened(bytes: Uint8Array): Promise<ZipFile> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return await yauzl.fromBufferPromise(whole, { lazyEntries: true, decodeStrings: false });
  } catch (error) {
    throw malformed(error);
  }
}

/** The central directory's entries that count. */
async function list(archive: ZipFile, limits: ZipLimits, signal: AbortSignal): Promise<ListedEntry[]> {
  const listed: ListedEntry[] = [];
  let index = 0;
  let total = 0;
  try {
    for await (const entry of archive.eachEntry()) {
      signal.throwIfAborted();
      const path = nameOf(entry);
      if (index >= MAX_ENTRIES)
        throw entryError('zip-too-large', { index, path }, `an archive has at most ${MAX_ENTRIES} entries.`);
      checkSafe(entry, index, path);
      if (counts(path)) {
        total += entry.uncompressedSize;
        checkSize(entry, { index, path, total }, limits);
        listed.push({ entry, index, path });
        if (listed.length > limits.files)
          throw entryError('too-many-files', { index, path }, `${limits.files} files are allowed.`);
      }
      index++;
    }
  } catch (error) {
    if (error instanceof ServiceError || signal.aborted) throw error;
    throw malformed(error);
  }
  return listed;
}

/** UTF-8 whether flagged or not, since macOS flags nothing; else as the standard has it. */
function nameOf({ fileNameRaw, generalPurposeBitFlag, extraFields }: Entry): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fileNameRaw);
  } catch {
    return yauzl.getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true);
  }
}

/** File types of Unix, in the upper half of the external attributes; 0 where the archive was made elsewhere. */
const TYPES = { mask: 0o170000, ordinary: [0, 0o100000, 0o040000], link: 0o120000 } as const;

/** @throws ServiceError `unsafe-zip`, for entries that could reach out of a folder were they unpacked into one */
function checkSafe({ externalFileAttributes }: Entry, index: number, path: string): void {
  const refuse = (detail: string) => entryError('unsafe-zip', { index, path }, detail);
  if (path.includes('\\')) throw refuse('the path has a backslash.');
  if (path.startsWith('/') || /^[a-z]:/i.test(path)) throw refuse('the path is absolute.');
  if (path.split('/').some((segment) => segment === '..' || segment === '.'))
    throw refuse('the path has a segment "." or "..".');
  const type = (externalFileAttributes >>> 16) & TYPES.mask;
  if (type === TYPES.link) throw refuse('it is a symbolic link.');
  if (!TYPES.ordinary.some((known) => known === type)) throw refuse('it is no regular file.');
}

/** What desktops add, in lower case. */
const LITTER: ReadonlySet<string> = new Set(['__macosx', 'thumbs.db', 'desktop.ini']);

/** False for folders, hidden files and folders, and what desktops add. */
function counts(path: string): boolean {
  const ignored = (segment: string) => segment.startsWith('.') || LITTER.has(segment.toLowerCase());
  return !path.endsWith('/') && !path.split('/').some(ignored);
}

function checkSize(
  { uncompressedSize, compressedSize }: Entry,
  { index, path, total }: { readonly index: number; readonly path: string; readonly total: number },
  limits: ZipLimits,
): void {
  const refuse = (code: ErrorCode, detail: string) => entryError(code, { index, path }, detail);
  if (uncompressedSize > limits.fileBytes)
    throw refuse(
      'file-too-large',
      `it unpacks to ${uncompressedSize} bytes, ${limits.fileBytes} are allowed.`,
    );
  if (total > limits.totalBytes)
    throw refuse('zip-too-large', `with it the files unpack to more than ${limits.totalBytes} bytes.`);
  if (uncompressedSize > SMALL_BYTES && uncompressedSize > MAX_RATIO * compressedSize)
    throw refuse('zip-too-large', `it unpacks to more than ${MAX_RATIO} times its size.`);
}

/** The bytes of an entry; yauzl ends with an error where they are more or fewer than announced. */
async function unpack(archive: ZipFile, { entry, index, path }: ListedEntry): Promise<Uint8Array> {
  const bad = (detail: string, cause?: unknown) =>
    entryError('malformed-zip', { index, path }, detail, cause);
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
