import { SingleBar } from 'cli-progress';
import type { SkipOptions } from '../data/skipped-images.ts';
import { duration } from '../run/duration.ts';
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
  skip: SkipOptions = {},
): Promise<PlaneDomain[]> {
  const { progress, stop } = planesBar();
  const warnings: string[] = []; // told below the bars
  const warn = (text: string): void => void warnings.push(text);
  try {
    const heard = skip.warn ? { warn } : {};
    return await preparePlanes(configuration, { ...heard, cacheFolder: planesFolder, progress, signal });
  } finally {
    stop();
    for (const text of warnings) skip.warn?.(text);
  }
}

/** A bar for each domain whose planes are computed, one after another. */
function planesBar(): {
  readonly progress: NonNullable<PlaneOptions['progress']>;
  readonly stop: () => void;
} {
  let bar: SingleBar | undefined;
  let shown: string | undefined;
  let begun = { at: 0, done: 0 };
  const stop = (): void => bar?.stop();
  const progress = (domain: string, done: number, total: number): void => {
    if (domain !== shown) {
      stop();
      shown = domain;
      begun = { at: performance.now(), done };
      const format = `{bar} {value}/{total} images of ${domain} | ETA {left}`;
      bar = new SingleBar({ format, noTTYOutput: true, notTTYSchedule: 30_000 });
      bar.start(total, done, { left: 'not known yet' });
    }
    const pace = (performance.now() - begun.at) / 1000 / (done - begun.done);
    if (done > begun.done) bar?.update(done, { left: duration(pace * (total - done)) });
  };
  return { progress, stop };
}
