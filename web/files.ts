import { labelOfPath } from './draft.ts';
import { accepted, typeByName } from './image-types.ts';
import type { PathFile } from './zip.ts';

/** A zip archive, whatever the system calls its type. */
const isZip = ({ name }: File): boolean => /\.zip$/i.test(name);

/** Systems that do not know a format give its files no type. */
const isImage = ({ type, name }: File): boolean => accepted.includes(type || (typeByName(name) ?? ''));

/** Files that systems put into folders without being asked. */
const unasked = /^(\..*|Thumbs\.db|desktop\.ini)$/i;

/** Files that were dropped or chosen: those of folders with the label that their folder's name is. */
export interface ChosenFiles {
  readonly plain: readonly File[];
  readonly labelled: readonly { readonly label: string; readonly file: File }[];
  /** names of those that are no images, or could not be read */
  readonly passedOver: readonly string[];
  /** zip archives, which are not unpacked yet */
  readonly zips?: readonly File[];
}

/** The files of a file or folder picker. */
export const chosenFiles = (list: FileList | null): ChosenFiles =>
  sorted(Array.from(list ?? []).map((file) => ({ file, path: file.webkitRelativePath })));

/** The files of a drop, folders read to their ends. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<ChosenFiles> {
  // entries must be taken before anything is awaited
  const entries = Array.from(items).map((item) => item.webkitGetAsEntry());
  if (entries.every((entry) => entry === null)) return chosenFiles(files);
  const found = await Promise.all(entries.flatMap((entry) => (entry ? [filesOf(entry, '')] : [])));
  return sorted(found.flat());
}

async function filesOf(entry: FileSystemEntry, folder: string): Promise<PathFile[]> {
  const path = folder + entry.name;
  try {
    if (entry.isFile) return [{ file: await fileOf(entry as FileSystemFileEntry), path }];
    const children = await entriesOf((entry as FileSystemDirectoryEntry).createReader());
    return (await Promise.all(children.map((child) => filesOf(child, `${path}/`)))).flat();
  } catch {
    return [{ file: undefined, path }];
  }
}

const fileOf = (entry: FileSystemFileEntry): Promise<File> =>
  new Promise((resolve, reject) => entry.file(resolve, reject));

/** All entries of a folder: a reader gives a part of them at a time, and none at the end. */
async function entriesOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function sorted(files: readonly PathFile[]): ChosenFiles {
  const plain: File[] = [];
  const labelled: { readonly label: string; readonly file: File }[] = [];
  const passedOver: string[] = [];
  const zips: File[] = [];
  for (const { file, path } of files) {
    const name = file?.name ?? path;
    const label = labelOfPath(path);
    if (unasked.test(name)) continue;
    if (file && isZip(file)) zips.push(file);
    else if (!file || !isImage(file)) passedOver.push(name);
    else if (label === undefined) plain.push(file);
    else labelled.push({ label, file });
  }
  return { plain, labelled, passedOver, ...(zips.length > 0 && { zips }) };
}

/** The same with what its archives have in them; an archive that cannot be read is passed over. */
export async function unpacked(chosen: ChosenFiles): Promise<ChosenFiles> {
  let { plain, labelled, passedOver } = chosen;
  for (const zip of chosen.zips ?? []) {
    const { filesOfZip } = await import('./zip.ts'); // most visits have no archive
    const found = await filesOfZip(zip).then(sorted, () => undefined);
    plain = [...plain, ...(found?.plain ?? [])];
    labelled = [...labelled, ...(found?.labelled ?? [])];
    passedOver = [...passedOver, ...(found?.passedOver ?? [zip.name])];
  }
  return { plain, labelled, passedOver };
}

/** Images on the clipboard, such as a screenshot. */
export const pastedFiles = ({ clipboardData }: ClipboardEvent): ChosenFiles =>
  chosenFiles(clipboardData?.files ?? null);

/** Saves bytes as a file of the visitor's. */
export function download(name: string, bytes: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([bytes as BlobPart], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
