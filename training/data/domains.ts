import { join } from 'node:path';
import { locatedPath, repository } from '../run/paths.ts';
import type { ImageDomain } from './domain.ts';
import { loadDomain } from './load.ts';
import type { SkipOptions } from './skipped-images.ts';
import type { Source } from './source.ts';

const cacheFolder = join(repository, '.cache/domains');

/** A source with its path as `locatedPath` resolves it. */
export const located = (source: Source): Source =>
  'path' in source ? { ...source, path: locatedPath(source.path) } : source;

/** Loads (or decodes and caches) all domains at `size`; `progress` hears of domains that have to be decoded. */
export async function loadDomains(
  sources: readonly Source[],
  size: number,
  progress: (domain: string, done: number, total: number) => void,
  skip: SkipOptions = {},
): Promise<ImageDomain[]> {
  const domains: ImageDomain[] = [];
  for (const source of sources) {
    domains.push(
      await loadDomain(located(source), size, {
        ...skip,
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
