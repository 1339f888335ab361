import { createHash } from 'node:crypto';
import type { TrainingConfiguration } from './configuration.ts';
import type { ImageDomain } from './data/domain.ts';

const hashes = new WeakMap<ImageDomain, string>();

/** A hash of a domain's pixels and classes, wherever they lie. */
function contentHash(domain: ImageDomain): string {
  const { size, pixels, classes } = domain;
  const hash =
    hashes.get(domain) ??
    createHash('sha256').update(JSON.stringify({ size, classes })).update(pixels).digest('hex');
  hashes.set(domain, hash);
  return hash;
}

/** What a run must share with the one that it resumes: configuration and data, not where either lies. */
export function identityOf(configuration: TrainingConfiguration, domains: readonly ImageDomain[]): string {
  const data = domains.map((domain) => [domain.name, contentHash(domain)]);
  const named = configuration.domains.map(({ source, weight, augmentation }) => ({
    name: source.name,
    weight,
    augmentation,
  }));
  return JSON.stringify({ ...configuration, workers: 0, checkpointMinutes: 0, domains: named, data });
}
