import { crc32 } from 'node:zlib';

/** An entry whose name is bytes, as archivers of old write it. */
export interface NamedBytes {
  readonly name: Uint8Array;
  readonly content: Uint8Array;
  /** general purpose bits; 0x800 says that the name is UTF-8 */
  readonly flags?: number;
  /** extra fields, whole */
  readonly extra?: Uint8Array;
}

/** The Unicode path field (APPNOTE 4.6.9) of a name; `named` is the name that it stands for. */
export function unicodePath(path: string, named: Uint8Array): Buffer {
  const text = Buffer.from(path);
  const field = Buffer.alloc(9 + text.length);
  field.writeUInt16LE(0x7075, 0);
  field.writeUInt16LE(5 + text.length, 2);
  field.writeUInt8(1, 4);
  field.writeUInt32LE(crc32(named), 5);
  text.copy(field, 9);
  return field;
}

/** An archive of stored entries, with each name as it is. */
export function rawZip(entries: readonly NamedBytes[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, flags = 0, extra = new Uint8Array() } of entries) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0); // version needed
    common.writeUInt16LE(flags, 2);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(name.length, 22);
    common.writeUInt16LE(extra.length, 24);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, extra, content]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), common, tail, name, extra]));
    files.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...files, ...directory, Buffer.from('PK\x05\x06'), end]);
}
