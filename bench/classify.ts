import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sizeOf } from '../model/graph/shapes.ts';
import { integer, keyFrom } from '../model/random.ts';
import { parseGenotypeKey } from '../model/search-space/genotype.ts';
import { classifiedWeights } from '../training/classify/classify-graph.ts';
import { ClassifyTrainer } from '../training/classify/classify-trainer.ts';
import { readClassifyConfiguration } from '../training/classify/configuration.ts';
import type { ClassifyConfiguration } from '../training/classify/configuration.ts';
import type { ClassifiedDomain } from '../training/classify/samples.ts';
import { stemWeights } from '../training/classify/stem.ts';
import { sharedPixels } from '../training/data/cache.ts';
import { RunFolder } from '../training/run/run-folder.ts';

export interface ClassifyPlan {
  /** `small`: the configuration photos-small. */
  readonly network: string;
  readonly workers: number;
  /** Classes that are told apart. */
  readonly classes: number;
  /** Measured steps, after the first ones, which compile. */
  readonly steps: number;
}

export interface ClassifySpeed {
  readonly imagesPerSecond: number;
  /** Of the stem and the cells. */
  readonly weights: number;
  readonly batch: number;
}

/** Steps before the measured ones. */
const warmUp = 4;
const imagesPerClass = 4;

/** Times steps of the stage `classify` of a stem and the first of its networks: augmentation in it, no teacher. */
export async function benchClassify({
  network,
  workers,
  classes,
  steps,
}: ClassifyPlan): Promise<ClassifySpeed> {
  const path = fileURLToPath(new URL(`../training/configs/images/photos-${network}.yaml`, import.meta.url));
  const read = await readClassifyConfiguration(path);
  const { classify, model, stem } = read;
  const key = classify.architectures[0]!;
  const configuration: ClassifyConfiguration = {
    ...read,
    workers,
    checkpointMinutes: 60,
    stem: { channels: stem!.channels, licence: 'none' },
    classify: { ...classify, architectures: [key], iterations: warmUp + steps },
    domains: [{ ...read.domains[0]!, classified: 0.9 }],
  };
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-bench-'));
  const domain = dottedImages(configuration, Math.ceil(classes / 0.9));
  const trainer = await ClassifyTrainer.start(configuration, [domain], new RunFolder(folder), 'new');
  try {
    let begun = 0;
    let ended = 0;
    await trainer.run(({ iteration }) => {
      if (iteration === warmUp) begun = performance.now();
      ended = performance.now();
    });
    return {
      imagesPerSecond: (1000 * steps * classify.batch) / (ended - begun),
      weights: [...classifiedWeights(model, parseGenotypeKey(key)), ...stemWeights(stem!.channels)].reduce(
        (total, { shape }) => total + sizeOf(shape),
        0,
      ),
      batch: classify.batch,
    };
  } finally {
    await trainer.close();
    await rm(folder, { recursive: true });
  }
}

/** Dark images with a bright dot here and there, a few a class, augmented as the configuration's first domain. */
function dottedImages({ model, domains }: ClassifyConfiguration, classes: number): ClassifiedDomain {
  const { size } = model.image;
  const pixels = sharedPixels(classes * imagesPerClass, size);
  for (let at = 0; at < pixels.length; at += 4096) pixels[at] = integer(keyFrom(at), 256);
  return {
    kind: 'images',
    augmentation: domains[0]!.augmentation,
    taught: null,
    domain: {
      name: 'dots',
      size,
      pixels,
      fingerprint: 'dots',
      classes: Array.from({ length: classes }, (_, i) => ({
        name: `class ${i}`,
        split: 'train',
        first: i * imagesPerClass,
        count: imagesPerClass,
      })),
    },
  };
}
