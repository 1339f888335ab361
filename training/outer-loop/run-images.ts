import { partOf } from '../data/class-splits.ts';
import type { ImageDomain } from '../data/domain.ts';
import { loadDomains, logDecoding } from '../data/domains.ts';
import type { SkipOptions } from '../data/skipped-images.ts';
import { planesConfigurationSchema } from '../planes/configuration.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { planesOf } from '../planes/progress-bar.ts';
import type { TrainingConfiguration } from './configuration.ts';

/** The images of a run. */
export interface RunImages {
  readonly domains: readonly ImageDomain[] | readonly PlaneDomain[];
  /** Of tasks: where the run has the stage `classify`, without what the stage learns. */
  readonly drawn: readonly ImageDomain[] | readonly PlaneDomain[];
  /** All of them, where the model is on a trunk. */
  readonly planes?: readonly PlaneDomain[];
}

/** Decoded images, or the planes that a trunk gives them. */
export async function imagesOf(
  { domains, model, classify, planes, workers }: TrainingConfiguration,
  signal: AbortSignal,
  skip: SkipOptions,
): Promise<RunImages> {
  if (!model.trunk) {
    const sources = domains.map(({ source }) => source);
    const decoded = await loadDomains(sources, model.image.size, logDecoding, skip);
    return { domains: decoded, drawn: decoded };
  }
  const kept = await planesOf(planesConfigurationSchema.parse({ planes, domains, workers }), signal, skip);
  const drawn = classify ? kept.map((domain, i) => partOf(domain, 'drawn', domains[i]!.classified)) : kept;
  return { domains: kept, drawn, planes: kept };
}
