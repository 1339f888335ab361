import { readdir, readFile, stat } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { basename, join } from 'node:path';
import { allInOrder } from '../../../engine/all-in-order.ts';
import { codeOf, isMissing } from '../../../engine/files.ts';
import { decodeImage, decodePicture } from '../../../images/decode.ts';
import { defaultFractions, splitClasses, splitImages } from '../class-splits.ts';
import { splits } from '../domain.ts';
import type { SourceOf } from '../source.ts';
import type { ListedClass, ListedImage, SourceReader } from './listing.ts';

export const folderReader: SourceReader<SourceOf<'folder'>> = {
  async stamp(source) {
    const lines: string[] = [];
    for (const { name, paths } of await classFolders(source.path)) {
      const stats = await allInOrder(paths.map((path) => stat(path)));
      lines.push(name, ...stats.map(({ size, mtimeMs }, index) => `${paths[index]!} ${size}@${mtimeMs}`));
    }
    return lines.join('\n');
  },

  async list({ path, splits: wanted = defaultFractions }) {
    const classes = await classFolders(path);
    if (wanted.of === 'images')
      return classes.flatMap(({ name, paths }) => {
        const splitOf = splitImages(paths, (file) => `${name}/${basename(file)}`, wanted);
        return splits.flatMap((split): ListedClass[] => {
          const own = paths.filter((file) => splitOf.get(file) === split);
          return own.length === 0 ? [] : [{ name, split, images: own.map(listedImage) }];
        });
      });
    // a class of one image is in no task, so that it takes no place of a held-out class
    const able = classes.filter(({ paths }) => paths.length > 1);
    const splitOf = splitClasses(
      able.map(({ name }) => name),
      wanted,
    );
    return classes.map(({ name, paths }): ListedClass => ({
      name,
      split: splitOf.get(name) ?? 'train',
      images: paths.map(listedImage),
    }));
  },
};

const listedImage = (path: string): ListedImage => ({
  label: path,
  read: async (size: number) => decodeImage(await readFile(path), size),
  original: async () => decodePicture(await readFile(path)),
});

/** A folder of a class and its files. */
export interface ClassFolder {
  readonly name: string;
  readonly paths: readonly string[];
}

/**
 * Subfolders and their files in code point order; hidden entries and what desktops add are left out.
 * @throws Error of one line when the folder is not there, or has no folder of files in it
 */
export async function classFolders(path: string): Promise<ClassFolder[]> {
  const { folders, files } = await entriesOf(path);
  const classes = await allInOrder(
    folders.map(async (name) => {
      const own = await entriesOf(join(path, name));
      return { name, paths: own.files.map((file) => join(path, name, file)), nested: own.folders.length > 0 };
    }),
  );
  if (classes.some(({ paths }) => paths.length > 0)) return classes.filter(({ paths }) => paths.length > 0);
  if (classes.some(({ nested }) => nested))
    throw new Error(
      `${path} has folders of folders: a source's path is that of a folder with a folder a class, as ${join(path, classes[0]!.name)}`,
    );
  throw new Error(
    files.length > 0
      ? `${path} has ${files.length} files, but no folders: put the images of each class into a folder of its own in it`
      : `${path} is empty: it needs a folder a class, with the images of the class in it`,
  );
}

/** What desktops add, in lower case. */
const litter: ReadonlySet<string> = new Set(['__macosx', 'thumbs.db', 'desktop.ini']);

/** Names of a folder's folders and files, sorted, without hidden ones and litter. @throws Error when it cannot be read */
export async function entriesOf(
  path: string,
): Promise<{ readonly folders: string[]; readonly files: string[] }> {
  const entries = await readEntries(path);
  const kept = entries.filter(({ name }) => !name.startsWith('.') && !litter.has(name.toLowerCase()));
  const names = (of: (entry: Dirent) => boolean): string[] =>
    kept
      .filter(of)
      .map(({ name }) => name)
      .sort();
  return { folders: names((entry) => entry.isDirectory()), files: names((entry) => entry.isFile()) };
}

async function readEntries(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) throw new Error(`there is no folder ${path}`, { cause: error });
    if (codeOf(error) === 'ENOTDIR')
      throw new Error(`${path} is a file: it must be a folder with a folder a class`, { cause: error });
    throw error;
  }
}
