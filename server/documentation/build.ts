import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { assetsPath, hashedName, inFile } from '../page/asset.ts';
import type { Asset, Assets } from '../page/asset.ts';

/** The contract, and the page that draws it. */
export interface Documentation {
  /** openapi.yaml, as it is */
  readonly contract: Uint8Array;
  readonly document: Uint8Array;
  readonly assets: Assets;
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const ofPackage = (name: string) => createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`);

/** What the document loads, by the placeholder that stands for its path there. */
const parts: Readonly<Record<string, string>> = {
  BUNDLE: ofPackage('swagger-ui-bundle.js'),
  START: here('start.js'),
  STYLE: ofPackage('swagger-ui.css'),
  ICON: ofPackage('favicon-32x32.png'),
};

/** The page at `/docs`, of swagger-ui's own files: all are served from here. */
export async function buildDocumentation(): Promise<Documentation> {
  const assets = new Map<string, Asset>();
  let html = await readFile(here('index.html'), 'utf8');
  for (const [placeholder, file] of Object.entries(parts)) {
    const extension = file.split('.').at(-1)!;
    const name = hashedName(`docs-${placeholder.toLowerCase()}`, extension, await readFile(file));
    const path = `${assetsPath}/${name}`;
    assets.set(path, inFile(file));
    html = html.replace(`"${placeholder}"`, `"${path}"`);
  }
  return {
    contract: await readFile(here('../../openapi.yaml')),
    document: Buffer.from(html),
    assets,
  };
}
