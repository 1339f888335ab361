import { entryError } from './zip.ts';
import type { ZipPath } from './zip.ts';
import { folderAround, placeByFolders } from './folders.ts';
import type { Placement, Split } from './folders.ts';
import { isLabelTable, placeByTable, TableError } from './label-table.ts';

/** A file of an archive with its class. */
export interface LabelledPath extends ZipPath {
  readonly name: string;
}

/**
 * The files of an archive that a task is made of (`train`) or evaluated with (`test`), with their classes: those of the
 * table `labels.csv` where one stands beside or around them, else those of their folders.
 * @throws ServiceError `unlabelled-file`, `invalid-label`
 */
export async function pickLabelled(
  listed: readonly ZipPath[],
  split: Split,
  read: (file: ZipPath) => Promise<Uint8Array>,
): Promise<readonly LabelledPath[]> {
  const { files, placements } = await place(listed, split, read);
  const picked = files.flatMap((file, index): LabelledPath[] => {
    const placement = placements[index]!;
    if ('passedOver' in placement) return [];
    if ('problem' in placement)
      throw entryError('unlabelled-file', file, `${placement.problem}${hintOf(file)}.`);
    if (!file.isKnown && placement.label.includes('\uFFFD'))
      throw entryError(
        'invalid-label',
        file,
        'its folder is named in a code page that the archive does not tell; pack it with names in UTF-8, as 7-Zip, macOS and Linux do.',
      );
    return [{ ...file, name: placement.label }];
  });
  const [first] = files;
  if (picked.length === 0 && first)
    throw entryError('unlabelled-file', first, `the data set has no part ${split}.`);
  return picked;
}

/** What a table of another name would have to be called. */
const hintOf = ({ path }: ZipPath): string =>
  /\.[ct]sv$/i.test(path) && !isLabelTable(path) ? '; a table of labels is called labels.csv' : '';

async function place(
  listed: readonly ZipPath[],
  split: Split,
  read: (file: ZipPath) => Promise<Uint8Array>,
): Promise<{ readonly files: readonly ZipPath[]; readonly placements: readonly Placement[] }> {
  const around = folderAround(listed.map(({ path }) => path));
  const table = listed.find(({ path }) => isLabelTable(path) && !path.slice(around.length).includes('/'));
  const files = listed.filter((file) => file !== table);
  const paths = files.map(({ path }) => path);
  if (table === undefined) return { files, placements: placeByFolders(paths, split) };
  const folder = table.path.slice(0, table.path.lastIndexOf('/') + 1);
  const beside = paths.map((path) => (path.startsWith(folder) ? path.slice(folder.length) : path));
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await read(table));
    return { files, placements: placeByTable(text, beside, split) };
  } catch (error) {
    if (error instanceof TypeError) throw entryError('unlabelled-file', table, 'it is not UTF-8.', error);
    if (error instanceof TableError) throw entryError('unlabelled-file', table, `${error.message}.`, error);
    throw error;
  }
}
