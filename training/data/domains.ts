import { isAbsolute, resolve } from 'node:path';
import type { ImageDomain } from './domain.ts';
import { loadDomain } from './load.ts';
import type { Source } from './source.ts';

const cacheFolder = resolve(import.meta.dirname, '../../.cache/domains');

/** Paths in a configuration are relative to the repository. */
export function located(source: Source): Source {
  return 'path' in source && !isAbsolute(source.path)
    ? { ...source, path: resolve(import.meta.dirname, '../..', source.path) }
    : source;
}

/** Loads (or decodes and caches) all domains at `size`; `progress` hears of domains that have to be decoded. */
export async function loadDomains(
  sources: readonly Source[],
  size: number,
  progress: (domain: string, done: number, total: number) => void,
): Promise<ImageDomain[]> {
  const domains: ImageDomain[] = [];
  for (const source of sources) {
    domains.push(
      await loadDomain(located(source), size, {
        cacheFolder,
        progress: (done, total) => progress(source.name, done, total),
      }),
    );
  }
  return domains;
}

/** The progress of `loadDomains` as lines of a log. */
export function logDecoding(domain: string, done: number, total: number): void {
  if (done % 1000 === 0 || done === total) console.log(`decoding ${domain}: ${done} of ${total}`);
}
