import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Parameters } from '../../model/layers/parameter-specification.ts';
import { initialParameters } from '../../model/parameters.ts';
import { keyFrom } from '../../model/random.ts';
import { parseGenotypeKey } from '../../model/search-space/genotype.ts';
import { commit } from '../run/commit.ts';
import type { ClassifyConfiguration } from './configuration.ts';
import { stemTrunk } from './stem-trunk.ts';
import type { StemTrunk } from './stem-trunk.ts';

/** What the stage has made. */
export interface Trained {
  /** What the stem becomes; null where the stage trains none. */
  readonly trunk: StemTrunk | null;
  /** On that trunk, or the one whose planes were read. Its architectures are those of the stage. */
  readonly checkpoint: Checkpoint;
}

/** The checkpoint of trained weights, by their names; all that the stage does not train is drawn by the seed. */
export function trainedCheckpoint(
  run: ClassifyConfiguration,
  trained: Parameters,
  { iteration, seconds }: { readonly iteration: number; readonly seconds: number },
): Trained {
  const { name, model, seed, classify, stem } = run;
  const parameters = Object.fromEntries(
    Object.entries(initialParameters(model, keyFrom(seed))).map(([key, initial]) => [
      key,
      trained[key] ?? initial,
    ]),
  );
  const trunk = stem
    ? stemTrunk(trained, {
        name: model.trunk!.name,
        channels: stem.channels,
        side: model.image.size,
        epsilon: model.normalization.epsilon,
        source: `npm run classify, ${name}, seed ${seed}`,
        licence: stem.licence,
      })
    : null;
  const configuration = trunk ? { ...model, trunk: { ...model.trunk!, sha256: trunk.card.sha256 } } : model;
  const checkpoint = {
    id: name,
    configuration,
    parameters,
    genotypes: [...new Set(classify.architectures)].map(parseGenotypeKey),
    training: {
      configuration: run,
      iterations: 0, // of meta-training, which begins from here
      classified: iteration,
      seconds: Math.round(seconds),
      commit: commit(),
    },
  };
  return { trunk, checkpoint };
}
