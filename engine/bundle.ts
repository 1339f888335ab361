import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';

const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** What was made in this process, by source. */
const bundles = new Map<string, Promise<string>>();
/** of this process, as long as it runs */
let folder: string | undefined;

/**
 * What a thread loads for a job module: `serve` of worker.ts and the module's `jobs`, made once in a process: no thread
 * compiles some 130 files by itself.
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
 * A script as a file that Node runs without tsx, made once in a process and gone with it. Packages are not part of it.
 * @param script path of a TypeScript file of this repository
 * @throws BuildFailure of esbuild
 */
export const bundleScript = (script: string): Promise<string> => bundled(`import ${JSON.stringify(script)};`);

function bundled(source: string): Promise<string> {
  const known = bundles.get(source);
  if (known) return known;
  const made = bundle(source);
  bundles.set(source, made);
  made.catch(() => bundles.delete(source)); // who asks next tries again
  return made;
}

async function bundle(source: string): Promise<string> {
  folder ??= temporaryFolder();
  const outdir = mkdtempSync(join(folder, 'bundle-'));
  await esbuild.build({
    stdin: { contents: source, resolveDir: dirname(worker) },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // so that what is imported on demand is loaded on demand
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: `node${process.versions.node}`,
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    conditions: [],
    plugins: [inPlace],
    logLevel: 'silent',
  });
  return join(outdir, 'stdin.mjs');
}

function temporaryFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'm-nas-bundles-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Packages are loaded from where they are, and a module goes on to know where it was itself. */
const inPlace: esbuild.Plugin = {
  name: 'in-place',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (pluginData === inPlace || path.startsWith('node:')) return undefined;
      const found = await build.resolve(path, { kind, resolveDir, pluginData: inPlace });
      // one that is not installed is missed by what imports it: the service has no tfjs
      const isThere = !found.external && found.errors.length === 0;
      return { path: isThere ? pathToFileURL(found.path).href : path, external: true };
    });
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)));
      return { contents, loader: 'ts' };
    });
  },
};
