import { labelOfPath } from './draft.ts';

/** What the service decodes; what else is in a folder is passed over. */
export const accepted = ['image/jpeg', 'image/png', 'image/webp', 'image/avif', 'image/gif', 'image/tiff'];

const isImage = (file: File): boolean => accepted.includes(file.type);

/** Files that were dropped or chosen: those of folders with the label that their folder's name is. */
export interface ChosenFiles {
  readonly plain: readonly File[];
  readonly labelled: readonly { readonly label: string; readonly file: File }[];
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

interface PathFile {
  readonly file: File;
  /** folders and name, of a file that was chosen or dropped with its folder; else without a slash */
  readonly path: string;
}

async function filesOf(entry: FileSystemEntry, folder: string): Promise<PathFile[]> {
  const path = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ file, path }];
  }
  const children = await entriesOf((entry as FileSystemDirectoryEntry).createReader());
  return (await Promise.all(children.map((child) => filesOf(child, `${path}/`)))).flat();
}

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
  const images = files.filter(({ file }) => isImage(file));
  return {
    plain: images.filter(({ path }) => labelOfPath(path) === undefined).map(({ file }) => file),
    labelled: images.flatMap(({ file, path }) => {
      const label = labelOfPath(path);
      return label === undefined ? [] : [{ label, file }];
    }),
  };
}

/** Saves bytes as a file of the visitor's. */
export function download(name: string, bytes: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([bytes as BlobPart], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
