import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage, decodePicture } from '../../../images/decode.ts';
import { defaultFractions, splitClasses } from '../class-splits.ts';
import type { SourceOf } from '../source.ts';
import type { SourceReader } from './listing.ts';

export const folderReader: SourceReader<SourceOf<'folder'>> = {
  async stamp(source) {
    const lines: string[] = [];
    for (const { name, paths } of await classFolders(source.path)) {
      const stats = await Promise.all(paths.map((path) => stat(path)));
      lines.push(name, ...stats.map(({ size, mtimeMs }, index) => `${paths[index]!} ${size}@${mtimeMs}`));
    }
    return lines.join('\n');
  },

  async list(source) {
    const classes = await classFolders(source.path);
    const splitOf = splitClasses(
      classes.map(({ name }) => name),
      source.splits ?? defaultFractions,
    );
    return classes.map(({ name, paths }) => ({
      name,
      split: splitOf.get(name)!,
      images: paths.map((path) => ({
        label: path,
        read: async (size: number) => decodeImage(await readFile(path), size),
        original: async () => decodePicture(await readFile(path)),
      })),
    }));
  },
};

/** Subfolders and their files in code point order; hidden entries are left out. */
async function classFolders(path: string): Promise<{ name: string; paths: string[] }[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return Promise.all(
    names
      .map((entry) => entry.name)
      .sort()
      .map(async (name) => {
        const files = await readdir(join(path, name), { withFileTypes: true });
        const kept = files.filter((file) => file.isFile() && !file.name.startsWith('.'));
        return { name, paths: kept.map((file) => join(path, name, file.name)).sort() };
      }),
  );
}
