import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';

/** An entry of an archive made by a test. */
export interface RawEntry {
  readonly path: string;
  readonly content: Uint8Array | string;
  /** as in Unix, 0o100644 when absent */
  readonly mode?: number;
  readonly compress?: boolean;
}

/** A zip archive; paths that yazl would refuse are written into it afterwards, with as many bytes. */
export async function zip(entries: readonly RawEntry[]): Promise<Buffer> {
  const archive = new yazl.ZipFile();
  const renamed: [string, string][] = [];
  for (const [index, { path, content, mode = 0o100644, compress = true }] of entries.entries()) {
    const options = { mode, compress };
    if (path.endsWith('/')) archive.addEmptyDirectory(path);
    else {
      const stand = `${'x'.repeat(Buffer.byteLength(path) - 4)}${String(index).padStart(4, '0')}`;
      const isPlain =
        /^[\w .-]+(\/[\w .-]+)*$/.test(path) && !path.split('/').some((s) => /^\.{1,2}$/.test(s));
      if (!isPlain) renamed.push([stand, path]);
      archive.addBuffer(Buffer.from(content), isPlain ? path : stand, options);
    }
  }
  archive.end();
  let bytes = await buffer(archive.outputStream);
  for (const [stand, path] of renamed)
    bytes = Buffer.from(
      bytes.toString('latin1').replaceAll(stand, Buffer.from(path).toString('latin1')),
      'latin1',
    );
  return bytes;
}
