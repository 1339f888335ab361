import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { parseModelConfiguration } from '../../model/configuration.ts';
import { initialParameters } from '../../model/parameters.ts';
import { keyFrom } from '../../model/random.ts';
import { parseGenotypeKey } from '../../model/search-space/genotype.ts';

const configuration = parseModelConfiguration({
  image: { size: 16 },
  supernet: { channels: 2, nodes: 1, stem: [3, 4] },
  encoder: { features: 4, state: 5 },
  controller: { hidden: 4 },
});

/** A checkpoint of images, of few parameters, which are as they are drawn: it was trained for nothing. */
export const tinyImages: Checkpoint = {
  id: 'tiny',
  configuration,
  parameters: initialParameters(configuration, keyFrom(1)),
  genotypes: [],
  training: {},
};

/** One of the size of the study's row `photos`, with two of its architectures: an adaptation takes tenths of a second. */
export function studyImages(): Checkpoint {
  const own = parseModelConfiguration({
    image: { size: 84, stride: 2 },
    supernet: { channels: 14, stem: [16, 32], rectified: true },
    mirroring: { shots: 2 },
  });
  const keys = ['0m1S.1S2d.0s1D.0d1m/0s1a.0s2d.1i3D.2S3D', '0m1S.1S2d.0s1D.0d1m/0s1a.1d2d.1i3D.3D4s'];
  return {
    id: 'study',
    configuration: own,
    parameters: initialParameters(own, keyFrom(1)),
    genotypes: keys.map((key) => parseGenotypeKey(key)),
    training: {},
  };
}
