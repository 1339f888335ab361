import { crc32 } from 'node:zlib';
import type { Entry } from 'yauzl';

/** An entry's path. */
export interface EntryName {
  readonly path: string;
  /** whether every byte of it is understood; others stand as U+FFFD */
  readonly isKnown: boolean;
}

/** General purpose bit 11: the name is UTF-8. Extra field 0x7075: the name in UTF-8, for the name in the header. */
const utf8Flag = 0x800;
const unicodePath = 0x7075;

/**
 * The paths of an archive's entries. A name is UTF-8 where the entry says so by its flag or its Unicode path (APPNOTE
 * 4.6.9), as 7-Zip, WinRAR and Info-ZIP do. Names that say nothing are UTF-8 only when all of them are, as macOS makes
 * them: code pages such as Shift-JIS, GBK, 866, 850 and 1252 cannot be told from one another by a few names, and some of
 * their names are UTF-8 by chance.
 */
export function namesOf(entries: readonly Entry[]): readonly EntryName[] {
  const told = entries.map(toldName);
  const untold = entries.filter((_, index) => told[index] === undefined);
  const isUnicode = untold.every(({ fileNameRaw }) => utf8(fileNameRaw) !== undefined);
  return entries.map(({ fileNameRaw }, index) => {
    const path = told[index] ?? (isUnicode || isAscii(fileNameRaw) ? utf8(fileNameRaw) : undefined);
    if (path !== undefined) return { path: withoutStart(path), isKnown: true };
    // every byte that is not ASCII is one of another code page, whatever it may mean in UTF-8
    const shown = Array.from(fileNameRaw, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : '\uFFFD'));
    return { path: withoutStart(shown.join('')), isKnown: false };
  });
}

/** The path without `./` before it, as bsdtar writes all of them; the folder `./` itself stays. */
const withoutStart = (path: string): string => path.replace(/^(?:\.\/)+(?=.)/s, '');

/** The name that the entry itself says is Unicode; undefined where it says nothing, or what is not so. */
function toldName({ generalPurposeBitFlag, fileNameRaw, extraFields }: Entry): string | undefined {
  const field = extraFields.find(({ id }) => id === unicodePath)?.data;
  // version 1, and the checksum of the name in the header, which tools that know no field may have changed
  if (field && field.length >= 5 && field[0] === 1 && field.readUInt32LE(1) === crc32(fileNameRaw)) {
    const path = utf8(field.subarray(5));
    if (path !== undefined) return path;
  }
  return (generalPurposeBitFlag & utf8Flag) === 0 ? undefined : utf8(fileNameRaw);
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const isAscii = (bytes: Uint8Array) => bytes.every((byte) => byte < 0x80);
