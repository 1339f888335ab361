import { unzipSync } from 'fflate';
import { typeByName } from './image-types.ts';

/** A file where it was found. */
export interface PathFile {
  /** undefined where the system does not let it be read */
  readonly file: File | undefined;
  /** folders and name, of a file that was chosen or dropped with its folder; else without a slash */
  readonly path: string;
}

/** Bytes that an archive may unpack to: more than a task takes, and less than a tab has. */
const mostBytes = 1024 * 1024 * 1024;
/** Files of an archive: what a task takes at most. */
const mostFiles = 1000;

/** The files of a zip archive with their paths. @throws Error when it is broken or unpacks to too much */
export async function filesOfZip(zip: File): Promise<PathFile[]> {
  let bytes = 0;
  let count = 0;
  const entries = unzipSync(new Uint8Array(await zip.arrayBuffer()), {
    filter: ({ name, originalSize }) => {
      if (name.endsWith('/') || name.startsWith('__MACOSX/')) return false;
      bytes += originalSize;
      if (bytes > mostBytes || ++count > mostFiles) throw new Error(`${zip.name} has too much in it`);
      return true;
    },
  });
  return Object.entries(entries).map(([path, content]) => {
    const name = path.split('/').at(-1)!;
    const type = typeByName(name) ?? ''; // archives tell none
    return { path, file: new File([content], name, { type }) };
  });
}
