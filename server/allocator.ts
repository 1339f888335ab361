import process from 'node:process';

/** What glibc reads when a process starts; 1 MiB in `start.mjs` and the Dockerfile. */
const variable = 'MALLOC_MMAP_THRESHOLD_';

/**
 * Why memory that is released may stay with the process; undefined where it does not. glibc raises the size from which on
 * blocks are given back at once, up to 32 MiB, unless the environment sets it before the process starts.
 */
export function keptByAllocator(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  glibc?: boolean,
): string | undefined {
  if (environment[variable] !== undefined || !(glibc ?? hasGlibc())) return undefined;
  return `${variable} is not set: glibc may keep memory that compiled graphs have given back; start with npm start, or set it to 1048576`;
}

function hasGlibc(): boolean {
  if (process.platform !== 'linux') return false;
  const report = process.report.getReport() as {
    readonly header?: { readonly glibcVersionRuntime?: string };
  };
  return report.header?.glibcVersionRuntime !== undefined;
}
