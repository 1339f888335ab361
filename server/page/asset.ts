import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** A file of the page. Its content never changes under its path. */
export interface Asset {
  readonly type: string;
  /** the content; what is large is read only when somebody asks for it */
  readonly load: () => Promise<Uint8Array>;
  /** the file that has the content, from which it is sent piece by piece */
  readonly file?: string;
}

/** Assets by their path on the server. */
export type Assets = ReadonlyMap<string, Asset>;

/** The folder of all assets on the server. */
export const assetsPath = '/assets';

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  mjs: 'text/javascript; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
  wasm: 'application/wasm',
};

/** The media type by a name's extension. @throws Error when it is none that the page has */
export function typeOf(name: string): string {
  const type = types[name.split('.').at(-1)!];
  if (type === undefined) throw new Error(`${name}: no media type is known for it`);
  return type;
}

/** An asset that is in memory already. */
export const inMemory = (name: string, content: Uint8Array): Asset => ({
  type: typeOf(name),
  load: () => Promise.resolve(content),
});

/** An asset that stays in its file. */
export const inFile = (file: string): Asset => ({ type: typeOf(file), load: () => readFile(file), file });

/** `PREFIX-HASH.EXTENSION`, a name that changes with the content. */
export function hashedName(prefix: string, extension: string, content: Uint8Array): string {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
  return `${prefix}-${hash}.${extension}`;
}
