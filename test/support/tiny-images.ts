import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { parseModelConfiguration } from '../../model/configuration.ts';
import { initialParameters } from '../../model/parameters.ts';
import { keyFrom } from '../../model/random.ts';

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
