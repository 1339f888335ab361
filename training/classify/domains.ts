import { loadDomains, logDecoding } from '../data/domains.ts';
import type { SkipOptions } from '../data/skipped-images.ts';
import { planesConfigurationSchema } from '../planes/configuration.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { planesOf } from '../planes/progress-bar.ts';
import type { ClassifyConfiguration } from './configuration.ts';
import type { ClassifiedDomain } from './samples.ts';

/**
 * What the stage reads of every domain, in their order: planes from the cache or computed, or the images themselves.
 * @throws as `planesOf` and `loadDomains` do; Error where images of a domain were skipped on one side alone
 */
export async function classifiedDomains(
  { planes, stem, domains, model, workers }: ClassifyConfiguration,
  signal: AbortSignal,
  skip: SkipOptions,
): Promise<ClassifiedDomain[]> {
  const planesFor = (own: typeof planes, kept: readonly object[]): Promise<PlaneDomain[]> =>
    planesOf(planesConfigurationSchema.parse({ planes: own, domains: kept, workers }), signal, skip);
  if (!stem) return (await planesFor(planes, domains)).map((domain) => ({ kind: 'planes', domain }));
  // the teacher sees an image whole, or in a mirror
  const seen = domains.map(({ source, views: { mirror } }) => ({ source, views: { mirror } }));
  const taught = stem.teacher ? await planesFor(stem.teacher, seen) : null;
  const images = await loadDomains(
    domains.map(({ source }) => source),
    model.image.size,
    logDecoding,
    skip,
  );
  return images.map((domain, i): ClassifiedDomain => {
    const own = taught?.[i] ?? null;
    if (own && own.images !== domain.pixels.length / (3 * domain.size ** 2))
      throw new Error(`${domain.name} has other images than its planes: run with --strict to see which`);
    return { kind: 'images', domain, augmentation: domains[i]!.augmentation, taught: own };
  });
}
