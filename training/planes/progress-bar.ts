import { SingleBar } from 'cli-progress';
import { planesFolder, preparePlanes } from './compute-planes.ts';
import type { PlaneOptions } from './compute-planes.ts';
import type { PlanesConfiguration } from './configuration.ts';
import type { PlaneDomain } from './plane-domain.ts';

/**
 * The planes of all domains of a configuration, in the project's cache, behind a bar for each domain that is computed.
 * @throws as `preparePlanes` does
 */
export async function planesOf(
  configuration: PlanesConfiguration,
  signal?: AbortSignal,
): Promise<PlaneDomain[]> {
  const { progress, stop } = planesBar();
  try {
    return await preparePlanes(configuration, { cacheFolder: planesFolder, progress, signal });
  } finally {
    stop();
  }
}

/** A bar for each domain whose planes are computed, one after another. */
function planesBar(): {
  readonly progress: NonNullable<PlaneOptions['progress']>;
  readonly stop: () => void;
} {
  let bar: SingleBar | undefined;
  let shown: string | undefined;
  const stop = (): void => bar?.stop();
  const progress = (domain: string, done: number, total: number): void => {
    if (domain !== shown) {
      stop();
      shown = domain;
      bar = new SingleBar({
        format: `{bar} {value}/{total} images of ${domain} | ETA {eta_formatted}`,
        noTTYOutput: true,
        notTTYSchedule: 30_000,
        etaBuffer: 200,
      });
      bar.start(total, done);
    }
    bar?.update(done);
  };
  return { progress, stop };
}
