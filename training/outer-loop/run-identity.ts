import { createHash } from 'node:crypto';
import { defaultEngine } from '../../engine/options.ts';
import type { EngineChoice } from '../../engine/options.ts';
import type { TrainingConfiguration } from './configuration.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import type { ImageDomain } from '../data/domain.ts';

const hashes = new WeakMap<ImageDomain, string>();

/** A hash of a domain's pixels and classes, wherever they lie; of kept planes also of trunk and views. */
export function contentHash(domain: ImageDomain | PlaneDomain): string {
  if ('pixelHash' in domain) return `${domain.fingerprint} ${domain.pixelHash}`;
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

/**
 * What the engine adds to what a run is: another one rounds otherwise, so that it would not go on exactly. The default
 * adds nothing.
 */
export const engineEntry = <E extends EngineChoice>(engine: E): { readonly engine?: E } =>
  engine === defaultEngine ? {} : { engine };

/**
 * What a run must share with the one that it resumes: configuration, engine and data, not where these lie.
 * @param contentOf tells a domain's data
 */
export function identityOf(
  configuration: TrainingConfiguration,
  domains: readonly ImageDomain[] | readonly PlaneDomain[],
  engine: EngineChoice,
  contentOf: (domain: ImageDomain | PlaneDomain) => string = contentHash,
): string {
  const data = domains.map((domain) => [domain.name, contentOf(domain)]);
  const named = configuration.domains.map(({ source, weight, augmentation, classified }) => ({
    name: source.name,
    weight,
    augmentation,
    ...(configuration.classify ? { classified } : {}),
  }));
  const common = { ...configuration, workers: 0, checkpointMinutes: 0, domains: named, data };
  return JSON.stringify({ ...common, ...engineEntry(engine) });
}
