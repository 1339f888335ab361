import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

/** URL of a module that exports `serve` of worker.ts and the job module's `jobs`. */
export type WorkerBundle = string;

const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));
const bundles = new Map<string, Promise<WorkerBundle>>();
/** of this process, as long as it runs */
let folder: string | undefined;

/**
 * What a worker thread loads for a job module, made once in a process: reading one file costs a thread a fifth of what
 * it costs to compile some 130 of them by itself. Packages are not part of it.
 * @throws BuildFailure of esbuild
 */
export function bundleWorker(jobs: string): Promise<WorkerBundle> {
  const known = bundles.get(jobs);
  if (known) return known;
  const made = bundle(fileURLToPath(jobs));
  bundles.set(jobs, made);
  made.catch(() => bundles.delete(jobs)); // the next thread tries again
  return made;
}

async function bundle(jobs: string): Promise<WorkerBundle> {
  folder ??= temporaryFolder();
  const outdir = mkdtempSync(join(folder, 'jobs-'));
  await build({
    stdin: {
      contents: [
        `export { serve } from ${JSON.stringify(worker)};`,
        // a module without `jobs` is found out by `serve`
        `import * as module from ${JSON.stringify(jobs)};`,
        'export const { jobs } = module;',
      ].join('\n'),
      resolveDir: dirname(worker),
    },
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
  return pathToFileURL(join(outdir, 'stdin.mjs')).href;
}

function temporaryFolder(): string {
  const made = mkdtempSync(join(tmpdir(), 'm-nas-workers-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Packages are loaded from where they are, and a module goes on to know where it was itself. */
const inPlace: Plugin = {
  name: 'in-place',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (pluginData === inPlace || path.startsWith('node:')) return undefined;
      const found = await resolve(path, { kind, resolveDir, pluginData: inPlace });
      return found.external || found.errors.length > 0
        ? found
        : { path: pathToFileURL(found.path).href, external: true };
    });
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href));
      return {
        contents: contents.replaceAll('import.meta.dirname', JSON.stringify(dirname(path))),
        loader: 'ts',
      };
    });
  },
};
