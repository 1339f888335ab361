import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { allInOrder } from '../../../engine/all-in-order.ts';
import { decodeImage, decodePicture } from '../../../images/decode.ts';
import { found } from '../../run/missing-file.ts';
import { splits } from '../domain.ts';
import type { Split } from '../domain.ts';
import type { SourceOf } from '../source.ts';
import type { ListedClass, ListedImage, SourceReader } from './listing.ts';

const byteCount = z.string().regex(/^\d+$/).transform(Number);
const row = z.tuple([z.enum(splits), z.string().min(1), z.string().min(1), byteCount, byteCount]);

export const packReader: SourceReader<SourceOf<'pack'>> = {
  async stamp(source) {
    // by content, of a second for the largest pack: kept planes and runs outlast a copy that has other times
    const contents = await allInOrder(Object.values(files(source)).map((file) => packFile(source, file)));
    return contents.map((bytes) => createHash('sha256').update(bytes).digest('hex')).join();
  },

  async list(source) {
    const { images, index } = files(source);
    const [bytes, table] = await Promise.all([readFile(images), readFile(index, 'utf8')]);
    const classes = new Map<string, { split: Split; images: ListedImage[] }>();
    for (const [number, line] of table.trimEnd().split('\n').entries()) {
      const where = `${index}:${number + 1}`;
      const [split, name, file, offset, length] = parseRow(line, where);
      if (offset + length > bytes.length) throw new Error(`${where}: reaches beyond the end of ${images}`);
      const known = classes.get(name) ?? { split, images: [] };
      if (known.split !== split) throw new Error(`${where}: class ${name} is in two splits`);
      const encoded = bytes.subarray(offset, offset + length);
      known.images.push({
        label: `${where} (${name}/${file})`,
        read: (size) => decodeImage(encoded, size),
        original: () => decodePicture(encoded),
      });
      classes.set(name, known);
    }
    return [...classes].map(([name, listed]): ListedClass => ({ name, ...listed }));
  },
};

/** @throws Error of one line when the pack is not there */
const packFile = ({ name }: SourceOf<'pack'>, file: string): Promise<Buffer> =>
  found(
    readFile(file),
    `pack ${name}: there is no ${file}; packs are not in this repository (docs/reproduce.md), take a source of kind folder for images of your own`,
  );

function files({ path, name }: SourceOf<'pack'>): { images: string; index: string } {
  return { images: join(path, `${name}.bin`), index: join(path, `${name}.tsv`) };
}

function parseRow(line: string, where: string): z.infer<typeof row> {
  const parsed = row.safeParse(line.split('\t'));
  if (!parsed.success) throw new Error(`${where}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
