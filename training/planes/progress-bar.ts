import { SingleBar } from 'cli-progress';
import type { PlaneOptions } from './compute-planes.ts';

/** A bar for each domain whose planes are computed, one after another. */
export function planesBar(): {
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
