import { partOf, partsByFolders, takenPart } from './folders.ts';
import type { Placement, Split } from './folders.ts';

/** What stands beside images and says their classes. */
export const isLabelTable = (path: string): boolean => /^labels\.[ct]sv$/i.test(/[^/]*$/.exec(path)![0]);

/** Why a table cannot be used; the message is a clause without a full stop. */
export class TableError extends Error {
  override readonly name = 'TableError';
}

const columns = {
  file: /^(?:file|file[ _-]?name|file[ _-]?path|path|image|image[ _-]?(?:id|name|path|file)|img|id)$/i,
  label: /^(?:label|labels|class|class[ _-]?name|category|target)$/i,
  split: /^(?:split|set|subset|part)$/i,
} as const;

/**
 * What a table says of the class of each path. Its first line names the columns, one of files (`file`, `filename`,
 * `image`, `id`, …) and one of classes (`label`, `class`, …). A column `split` says the part of the data set; without one
 * folders `train` and `test` side by side do. A file is named by its path beside the table, or by as much of its end as no
 * other file has, with or without its extension; a backslash is a slash.
 * @param text of CSV (RFC 4180), separated by commas, semicolons or tabs
 * @param paths relative to the folder of the table
 * @throws TableError
 */
export function placeByTable(text: string, paths: readonly string[], split: Split): readonly Placement[] {
  const [head = [], ...rows] = parseTable(text);
  const column = (name: keyof typeof columns) => head.findIndex((cell) => columns[name].test(cell.trim()));
  const [file, label, part] = [column('file'), column('label'), column('split')];
  if (file < 0 || label < 0) throw new TableError('its first line names no columns file and label');
  const find = finder(paths);
  const placed = new Map<number, { readonly label: string; readonly part: string }>();
  for (const [line, row] of rows.entries()) {
    const name = row[file]?.trim() ?? '';
    const index = find(name);
    const where = `line ${line + 2}, ${JSON.stringify(name)}`;
    if (index === undefined) throw new TableError(`${where}, is not one file of the archive`);
    if (placed.has(index)) throw new TableError(`${where}, is a file that it has already`);
    placed.set(index, { label: row[label] ?? '', part: row[part]?.trim() ?? '' });
  }
  const byFolder = part < 0 ? partsByFolders(paths) : [];
  const partNamed = (index: number) => byFolder[index] ?? partOf(placed.get(index)?.part ?? '');
  const there = new Set([...placed.keys()].flatMap((index) => partNamed(index) ?? []));
  const taken = takenPart(split, there);
  return paths.map((_, index) => {
    const row = placed.get(index);
    if (row === undefined) return { problem: 'the table of labels does not have it' };
    if (there.size > 1 && partNamed(index) !== taken) return { passedOver: true };
    return { label: row.label };
  });
}

/** The one path that a name means. Both are compared in Unicode NFC: macOS writes the names of files in NFD. */
function finder(given: readonly string[]): (name: string) => number | undefined {
  const paths = given.map((path) => path.normalize('NFC'));
  const known = new Map<string, number | undefined>();
  const learn = (key: string, index: number) =>
    known.set(key, known.has(key) && known.get(key) !== index ? undefined : index);
  for (const [index, path] of paths.entries()) {
    const segments = path.split('/');
    for (let from = 0; from < segments.length; from++) {
      const end = segments.slice(from).join('/');
      learn(end, index);
      learn(end.replace(/\.[^./]+$/, ''), index);
    }
  }
  const whole = new Map(paths.map((path, index) => [path, index]));
  return (name) => {
    const path = name
      .normalize('NFC')
      .replaceAll('\\', '/') // which no path of an archive has
      .replace(/^\.?\//, '');
    return whole.get(path) ?? known.get(path);
  };
}

/** Rows of cells; rows without any text are passed over. */
function parseTable(text: string): string[][] {
  const firstLine = /^[^\r\n]*/.exec(text)![0];
  const separator = ['\t', ';', ','].find((candidate) => firstLine.includes(candidate)) ?? ',';
  const cell = new RegExp(
    `(?:"((?:[^"]|"")*)"|([^"\r\n${separator}][^\r\n${separator}]*)?)(${separator}|\r?\n|\r|$)`,
    'y',
  );
  const rows: string[][] = [];
  let row: string[] = [];
  while (cell.lastIndex < text.length || row.length > 0) {
    const match = cell.exec(text);
    if (match === null) throw new TableError(`it is not CSV in line ${rows.length + 1}`);
    const [, quoted, plain = '', end] = match;
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === separator) continue;
    if (row.some((value) => value.trim() !== '')) rows.push(row);
    row = [];
    if (end === '') break;
  }
  return rows;
}
