import type { TrainingConfiguration } from './configuration.ts';
import type { ImageDomain } from './data/domain.ts';

/** What a run must share with the one that it resumes: configuration and data, not where either lies. */
export function identityOf(configuration: TrainingConfiguration, domains: readonly ImageDomain[]): string {
  const data = domains.map(({ name, size, classes }) => {
    return [name, size, classes.length, classes.reduce((images, { count }) => images + count, 0)];
  });
  const named = configuration.domains.map(({ source, weight, augmentation }) => ({
    name: source.name,
    weight,
    augmentation,
  }));
  return JSON.stringify({ ...configuration, workers: 0, checkpointMinutes: 0, domains: named, data });
}
