import { partOf } from '../data/class-splits.ts';
import type { ImageDomain } from '../data/domain.ts';
import { loadDomains, logDecoding } from '../data/domains.ts';
import type { SkipOptions } from '../data/skipped-images.ts';
import { planesConfigurationSchema } from '../planes/configuration.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { planesOf } from '../planes/progress-bar.ts';
import type { TrainingConfiguration } from './configuration.ts';

/**
 * The images of a run: decoded, or the planes that a trunk gives them. Where the run has the stage `classify`, without the
 * training classes that the stage learns.
 */
export async function domainsOf(
  { domains, model, classify, planes, workers }: TrainingConfiguration,
  signal: AbortSignal,
  skip: SkipOptions,
): Promise<readonly ImageDomain[] | readonly PlaneDomain[]> {
  if (!model.trunk)
    return loadDomains(
      domains.map(({ source }) => source),
      model.image.size,
      logDecoding,
      skip,
    );
  const kept = await planesOf(planesConfigurationSchema.parse({ planes, domains, workers }), signal, skip);
  if (!classify) return kept;
  return kept.map((domain, i) => partOf(domain, 'drawn', domains[i]!.classified));
}
