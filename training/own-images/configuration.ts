import { resolve } from 'node:path';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import { trainingConfigurationSchema } from '../outer-loop/configuration.ts';
import type { TrainingConfiguration } from '../outer-loop/configuration.ts';
import { fineTuning } from '../outer-loop/fine-tuning.ts';
import { defaultFractions } from '../data/class-splits.ts';
import type { ClassedDomain } from '../data/domain.ts';
import type { SourceOf } from '../data/source.ts';
import { hasSomeTasks } from '../data/tasks.ts';
import { planesOfModel } from '../planes/model-planes.ts';
import { readExtendedYaml } from '../run/extended-yaml.ts';
import { totalIterations } from '../run/schedule.ts';
import type { SurveyedDomain } from './survey.ts';

/** Views of an image that are kept beside the whole, where the model stands on a trunk. */
const crops = 4;

/** What a run of own images is made of. */
export interface OwnRun {
  /** Of the run and of its checkpoint. */
  readonly name: string;
  readonly checkpoint: Checkpoint;
  /** Path of the card of the checkpoint's trunk, where it stands on one. */
  readonly trunk: string | undefined;
  readonly domains: readonly SurveyedDomain[];
  /** Whether the images' classes are the same in a mirror. */
  readonly mirror: boolean;
  /** Of the last stage; the recipe's by default. */
  readonly iterations: number | undefined;
  readonly workers: number;
}

/** Share of what is for training that the cells are taught; tasks are drawn from the rest (see partOf). */
const taught = 0.6;

const recipeFolder = resolve(import.meta.dirname, '../configs/own-images');

/**
 * The configuration that fine-tunes a checkpoint on own images: the recipe of training/configs/own-images/ with the model of
 * the checkpoint and the domains of the folder.
 */
export async function ownConfiguration(run: OwnRun): Promise<TrainingConfiguration> {
  const { name, checkpoint, trunk, mirror, iterations, workers } = run;
  const model = checkpoint.configuration;
  const { content } = await readExtendedYaml(
    resolve(recipeFolder, model.trunk ? 'trunk.yaml' : 'pixels.yaml'),
  );
  const { classify, ...recipe } = content as { readonly classify?: object };
  const configuration = trainingConfigurationSchema.parse({
    ...recipe,
    ...(classify ? { classify: { ...classify, architectures: checkpoint.genotypes.map(genotypeKey) } } : {}),
    name,
    model,
    workers,
    domains: sourcesOf(run.domains).map((source) => ({
      source,
      ...(model.trunk
        ? { views: { mirror, crops }, classified: taught }
        : { augmentation: { flip: mirror, crop: 0.2, colour: 0.1 } }),
    })),
    ...(trunk === undefined ? {} : { planes: planesOfModel(model, trunk) }),
  });
  const tuned = fineTuning(configuration, checkpoint, iterations);
  const asked = totalIterations(tuned) / totalIterations(configuration);
  return {
    ...tuned,
    ...(configuration.classify ? { classify: scaled(configuration.classify, asked) } : {}),
    validation: { ...tuned.validation, every: Math.ceil(totalIterations(tuned) / 3) },
  };
}

/** The stage `classify` with a share of its steps, so that a run of fewer iterations is shorter as a whole. */
const scaled = <C extends { readonly iterations: number }>(classify: C, by: number): C => ({
  ...classify,
  iterations: Math.max(1, Math.round(by * classify.iterations)),
});

/** The surveyed domains as sources of a configuration: training and evaluation split them alike. */
export const sourcesOf = (domains: readonly SurveyedDomain[]): SourceOf<'folder'>[] =>
  domains.map(({ name, path, heldOut }) => ({
    kind: 'folder',
    name,
    path,
    splits: { ...defaultFractions, of: heldOut },
  }));

/** The configuration with the shapes alone that the images are enough for, so that few images train few shots. */
export const withPossibleShapes = (
  configuration: TrainingConfiguration,
  domains: readonly ClassedDomain[],
): TrainingConfiguration => ({
  ...configuration,
  stages: configuration.stages.map((stage) => {
    const possible = stage.shapes.filter((shape) =>
      domains.some((domain) => hasSomeTasks(domain, 'train', shape)),
    );
    return { ...stage, shapes: possible.length > 0 ? possible : stage.shapes };
  }),
});
