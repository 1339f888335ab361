import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { BuildOptions } from 'esbuild';
import { assetsPath, hashedName, inFile, inMemory } from './asset.ts';
import type { Assets } from './asset.ts';
import { drawExample } from './example.ts';

/** The page for people: its document, and everything that the document needs. */
export interface Page {
  readonly document: Uint8Array;
  readonly assets: Assets;
}

const sources = fileURLToPath(new URL('../../web', import.meta.url));

const options = {
  absWorkingDir: sources,
  outdir: assetsPath,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  write: false,
  metafile: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minify: true,
  legalComments: 'eof',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  // of onnxruntime-web the modules that load their WebAssembly from where they are told
  conditions: ['onnxruntime-web-use-extern-wasm'],
  logLevel: 'silent',
} satisfies BuildOptions;

/**
 * Bundles `web/` in memory, in a fraction of a second, so that no built file is committed or can be stale.
 * @throws BuildFailure of esbuild
 */
export async function buildPage(): Promise<Page> {
  const example = await drawExample();
  const runtime = onnxruntime();
  const [worker, style] = await Promise.all([bundle('worker.ts'), bundle('style.css')]);
  const urls = { worker: worker.entry, onnxruntime: runtime.folder, example: example.index };
  const main = await bundle('main.tsx', { ASSETS: JSON.stringify(urls) });
  const [template, drawing] = await Promise.all([
    readFile(join(sources, 'index.html'), 'utf8'),
    readFile(join(sources, 'icon.svg')),
  ]);
  const icon = `${assetsPath}/${hashedName('icon', 'svg', drawing)}`;
  const places = { STYLE: style.entry, SCRIPT: main.entry, ICON: icon };
  return {
    document: Buffer.from(
      template.replaceAll(/STYLE|SCRIPT|ICON/g, (name) => places[name as keyof typeof places]),
    ),
    assets: new Map([
      [icon, inMemory(icon, drawing)],
      ...example.assets,
      ...runtime.assets,
      ...worker.assets,
      ...style.assets,
      ...main.assets,
    ]),
  };
}

interface Bundle {
  /** path of the file that the entry point became */
  readonly entry: string;
  readonly assets: Assets;
}

async function bundle(name: string, define: Readonly<Record<string, string>> = {}): Promise<Bundle> {
  const { outputFiles, metafile } = await build({ ...options, entryPoints: [name], define });
  const pathOf = (file: string) => `${assetsPath}/${basename(file)}`;
  const entry = Object.keys(metafile.outputs).find((file) => metafile.outputs[file]!.entryPoint === name);
  if (entry === undefined) throw new Error(`esbuild made nothing of ${name}`);
  const assets = outputFiles.map(({ path, contents }) => [pathOf(path), inMemory(path, contents)] as const);
  return { entry: pathOf(entry), assets: new Map(assets) };
}

/** WebAssembly of onnxruntime-web: for processors alone, and with WebGPU. */
const runtimes = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'];

/** In a folder of its version, since onnxruntime-web asks for the files by their own names. */
function onnxruntime(): { readonly folder: string; readonly assets: Assets } {
  const require = createRequire(import.meta.url);
  const dist = dirname(require.resolve(`onnxruntime-web/${runtimes[0]!}.wasm`));
  const { version } = require(join(dist, '../package.json')) as { readonly version: string };
  const folder = `${assetsPath}/onnxruntime-web-${version}/`;
  const files = runtimes.flatMap((name) => [`${name}.mjs`, `${name}.wasm`]);
  const assets = files.map((name) => [folder + name, inFile(join(dist, name))] as const);
  return { folder, assets: new Map(assets) };
}
