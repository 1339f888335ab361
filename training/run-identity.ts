import { createHash } from 'node:crypto';
import type { TrainingConfiguration } from './configuration.ts';
import type { ImageDomain } from './data/domain.ts';

const hashes = new WeakMap<ImageDomain, string>();

/** A hash of a domain's pixels and classes, wherever they lie. */
function contentHash(domain: ImageDomain): string {
  const known = hashes.get(domain);
  if (known !== undefined) return known;
  const { size, pixels, classes } = domain;
  const hash = createHash('sha256').update(JSON.stringify({ size, classes }));
  const step = 2 ** 28; // a single update is limited to 2^31 - 1 bytes
  for (let at = 0; at < pixels.length; at += step) hash.update(pixels.subarray(at, at + step));
  const digest = hash.digest('hex');
  hashes.set(domain, digest);
  return digest;
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
