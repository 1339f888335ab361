import type { TrainingConfiguration } from '../outer-loop/configuration.ts';

/**
 * A run's configuration with the places of its data on this machine.
 * @param data `NAME=PATH` of domains that lie elsewhere than the configuration says
 * @throws Error of one line when it is of another form, or of a domain that the run has not
 */
export function withOwnPlaces(
  configuration: TrainingConfiguration,
  { data, trunk }: { readonly data: readonly string[]; readonly trunk: string | undefined },
): TrainingConfiguration {
  const paths = new Map(
    data.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new Error(`--data ${text}: NAME=PATH is expected`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
  const domains = configuration.domains.map((domain) => {
    const path = paths.get(domain.source.name);
    if (path === undefined) return domain;
    paths.delete(domain.source.name);
    if (!('path' in domain.source)) throw new Error(`--data: ${domain.source.name} has no path`);
    return { ...domain, source: { ...domain.source, path } };
  });
  const [unknown] = paths.keys();
  if (unknown !== undefined)
    throw new Error(
      `--data: the run has no ${unknown}, but ${domains.map(({ source }) => source.name).join(', ')}`,
    );
  const { planes } = configuration;
  return {
    ...configuration,
    domains,
    ...(planes && trunk !== undefined ? { planes: { ...planes, trunk } } : {}),
  };
}
