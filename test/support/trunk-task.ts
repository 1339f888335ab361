import { parseModelConfiguration } from '../../model/configuration.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { keyFrom, normal } from '../../model/random.ts';
import { rowLength } from '../../model/search-space/taps.ts';
import { oneHotTargets } from '../../model/task/labelled-set.ts';
import type { ViewedImages, ViewedTask } from '../../model/task/viewed-task.ts';

/** A model on a trunk as small as the cells allow: two fine taps and a coarse one. */
export function smallTrunkConfiguration(
  options: {
    readonly rates?: ModelConfiguration['innerLoop']['rates'];
    readonly steps?: number;
    readonly modulator?: ModelConfiguration['modulator']['kind'];
    readonly encoder?: ModelConfiguration['encoder']['kind'];
  } = {},
): ModelConfiguration {
  const { rates = 'learned', steps = 2, modulator = 'channel', encoder = 'set' } = options;
  return parseModelConfiguration({
    image: { size: 16 },
    trunk: {
      name: 'tiny',
      sha256: '0'.repeat(64),
      taps: [
        { name: 'a', channels: 2, side: 5 },
        { name: 'b', channels: 3, side: 3 },
        { name: 'c', channels: 4, side: 2 },
      ],
    },
    supernet: { channels: 2, nodes: 2, side: 3 },
    encoder: { kind: encoder, features: 4, state: 6 },
    controller: { hidden: 4 },
    modulator: { kind: modulator },
    head: { kind: 'ridge' },
    innerLoop: { steps, learningRate: 0.05, rates },
  });
}

/** Rows of noise, of `count` images in `views` views each, with classes in turn. */
export function noiseRows(
  { trunk }: ModelConfiguration,
  { way, count, views, seed }: { way: number; count: number; views: number; seed: number },
): ViewedImages {
  const length = count * views * rowLength(trunk!.taps);
  const targets = oneHotTargets(
    Array.from({ length: count }, (_, i) => i % way),
    way,
  );
  return { images: Float32Array.from(normal(keyFrom(seed), length)), targets, count, views };
}

/** A task of noise. */
export const smallTrunkTask = (
  configuration: ModelConfiguration,
  { way, shot, views, seed }: { way: number; shot: number; views: number; seed: number },
): ViewedTask => ({
  way,
  support: noiseRows(configuration, { way, count: way * shot, views, seed }),
  query: noiseRows(configuration, { way, count: 4, views: 2, seed: seed + 1 }),
});
