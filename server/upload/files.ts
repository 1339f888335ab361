import { describePart, ServiceError } from '../errors/errors.ts';
import type { ErrorCode, ErrorDetails, Part } from '../errors/errors.ts';
import type { Split } from './folders.ts';
import { describeEntry } from './zip.ts';

/** What the files of a body are for. */
export interface UploadShape {
  /** at most so many */
  readonly files: number;
  /** the member of a JSON body that has them, and the field name of files without labels */
  readonly member: string;
  /**
   * Undefined for files without labels. Else each has one, its field name, its folder in an archive or its member's
   * name in JSON; of an archive that is a data set of several parts this one is taken.
   */
  readonly split: Split | undefined;
}

/** Where a file stands in its body, as errors name it. */
export type Place =
  /** a part of a multipart body, or an entry of a zip archive */
  { readonly kind: 'part' | 'entry' } | { readonly kind: 'member'; readonly pointer: string };

/** A file of a body, held in memory. */
export interface UploadedFile {
  /** its position, its label or field name, and its file name (path in an archive, pointer in JSON) */
  readonly part: Part & { readonly name: string; readonly file: string };
  readonly place: Place;
  readonly bytes: Uint8Array;
}

/** What names a file in a problem document. */
export const whereIs = ({ part, place }: Pick<UploadedFile, 'part' | 'place'>): ErrorDetails =>
  place.kind === 'member' ? { pointer: place.pointer } : { part };

/** An error about one file, wherever it stands; `detail` continues `Part 3, field "cat": …`. */
export function fileError(
  code: ErrorCode,
  file: Pick<UploadedFile, 'part' | 'place'>,
  detail: string,
  cause?: unknown,
): ServiceError {
  const { part, place } = file;
  const names = {
    part: () => describePart(part),
    entry: () => describeEntry(part.index, part.file),
    member: () => part.file,
  };
  return new ServiceError(code, { ...whereIs(file), detail: `${names[place.kind]()}: ${detail}`, cause });
}
