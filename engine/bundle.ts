import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { isMissing } from './files.ts';
import { KeptBundles, ownFolder, sha256 } from './kept-bundles.ts';
import type { Contents } from './kept-bundles.ts';

const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** npm's list of what is installed: with it changes where packages are. */
const installed = new URL('../node_modules/.package-lock.json', import.meta.url);
/** What this process has asked for, by source. */
const bundles = new Map<string, Promise<string>>();
let kept: KeptBundles | undefined;

/**
 * What a thread loads for a job module: `serve` of worker.ts and the module's `jobs`, made once for all processes of this
 * user while its sources stay the same: no thread compiles some 130 files by itself.
 * @param jobs URL of the job module
 * @returns URL of a module
 * @throws BuildFailure of esbuild
 */
export async function bundleWorker(jobs: string): Promise<string> {
  const lines = [
    `export { serve } from ${JSON.stringify(worker)};`,
    // a module without `jobs` is found out by `serve`
    `import * as module from ${JSON.stringify(fileURLToPath(jobs))};`,
    'export const { jobs } = module;',
  ];
  return pathToFileURL(await bundled(lines.join('\n'))).href;
}

/**
 * A script as a file that Node runs without tsx, made once as the above. Packages are not part of it.
 * @param script path of a TypeScript file of this repository
 * @throws BuildFailure of esbuild
 */
export const bundleScript = (script: string): Promise<string> => bundled(`import ${JSON.stringify(script)};`);

async function bundled(source: string): Promise<string> {
  const known = bundles.get(source);
  if (known) {
    const file = await known;
    if (existsSync(file)) return file; // else what cleans temporary folders has taken it
    if (bundles.get(source) === known) bundles.delete(source);
    return bundled(source);
  }
  const made = bundle(source);
  bundles.set(source, made);
  made.catch(() => bundles.delete(source)); // who asks next tries again
  return made;
}

async function bundle(source: string): Promise<string> {
  kept ??= new KeptBundles(ownFolder(tmpdir()) ?? folderOfProcess());
  const { versions } = process;
  const [bundler, packages] = await Promise.all([readFile(new URL(import.meta.url)), packageList()]);
  const key = sha256(JSON.stringify([source, versions.node, esbuild.version, sha256(bundler), packages]));
  const folder = (await kept.find(key)) ?? (await kept.add(key, (outdir) => build(source, outdir)));
  return join(folder, 'stdin.mjs');
}

/** In place of the user's folder where others have taken its name; gone with the process. */
function folderOfProcess(): string {
  const made = mkdtempSync(join(tmpdir(), 'm-nas-bundles-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Of what tells where packages are, the SHA-256; empty where npm has not installed them. */
async function packageList(): Promise<string> {
  try {
    return sha256(await readFile(installed));
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

async function build(source: string, outdir: string): Promise<Contents> {
  const sources: Record<string, string> = {};
  const { metafile } = await esbuild.build({
    stdin: { contents: source, resolveDir: dirname(worker) },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // so that what is imported on demand is loaded on demand
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: `node${process.versions.node}`,
    tsconfigRaw: {}, // the same in the images, which have no tsconfig.json
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    conditions: [],
    metafile: true,
    plugins: [inPlace(sources)],
    logLevel: 'silent',
  });
  return { sources, files: Object.keys(metafile.outputs).map((path) => basename(path)) };
}

/** A package of a hundred modules that compile in half the time as one, and needs nothing of where it lies. */
const inlined = 'zod';

/** Marks what the plugin asks. */
const itself = Symbol('in-place');

/**
 * Packages but `inlined` are loaded from where they are, and a module goes on to know where it was itself.
 * @param sources gets the SHA-256 of every file that is read, by path
 */
const inPlace = (sources: Record<string, string>): esbuild.Plugin => ({
  name: 'in-place',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (pluginData === itself || path === inlined || path.startsWith('node:')) return undefined;
      const found = await build.resolve(path, { kind, resolveDir, pluginData: itself });
      // one that is not installed is missed by what imports it: the service has no tfjs
      const isThere = !found.external && found.errors.length === 0;
      return { path: isThere ? pathToFileURL(found.path).href : path, external: true };
    });
    build.onLoad({ filter: /./, namespace: 'file' }, async ({ path }) => {
      if (path.includes(`/node_modules/${inlined}/`)) return undefined; // the list of packages tells its changes
      const text = await readFile(path, 'utf8');
      sources[path] = sha256(text);
      const contents = text
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)));
      return { contents, loader: 'default' };
    });
  },
});
