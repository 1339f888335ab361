import { z } from 'zod';
import { modelConfigurationSchema, stageNames } from '../../model/configuration.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { classifiedSchema, classifySchema } from '../classify/configuration.ts';
import { sourceSchema } from '../data/source.ts';
import { planesSchema } from '../planes/configuration.ts';
import { viewPlanSchema } from '../planes/plane-domain.ts';
import { readExtendedYaml } from '../run/extended-yaml.ts';

const shapeSchema = z.strictObject({
  way: z.number().int().min(2).max(20),
  shot: z.number().int().min(1).max(50),
  query: z.number().int().min(1).max(50),
  weight: z.number().positive().default(1),
});

const stageSchema = z.strictObject({
  stage: z.enum(stageNames),
  iterations: z.number().int().min(1),
  /** ρ_outer at the start and at the end of the stage, linear between. */
  learningRate: z.tuple([z.number().positive(), z.number().positive()]).default([1e-3, 1e-3]),
  /** Tasks of one outer step, where not the run's. */
  metaBatch: z.number().int().min(1).optional(),
  /**
   * `fixed`, for `retrain`: the encoder is not trained, so that every task keeps the architecture that the search gave it.
   */
  encoder: z.enum(['trained', 'fixed']).default('trained'),
  /** Draws all but the controller and a fixed encoder anew at the start of the stage, as M-NAS-Shared's re-training does. */
  reinitialize: z.boolean().default(false),
  /** The first iterations of the stage, whose outer loss is the mean of those after every inner step (MAML++). */
  multiStepIterations: z.number().int().min(0).default(0),
  /** Of the softmax that relaxes the architecture, in `search`, at the start and at the end, geometric between. */
  temperature: z.tuple([z.number().positive(), z.number().positive()]).default([1, 1]),
  /**
   * What the inner loop of the stage's tasks has otherwise than the model's. Without steps the features are trained for
   * a head of class means (Snell et al. 2017): a task costs a fraction, and many ways are cheap.
   */
  innerLoop: z
    .strictObject({
      steps: z.number().int().min(0).optional(),
      exactSteps: modelConfigurationSchema.shape.innerLoop.unwrap().shape.exactSteps.unwrap().optional(),
    })
    .optional(),
  /**
   * Task shapes drawn with probability proportional to their weight; a domain that has fewer classes has tasks of as many
   * ways as it has.
   */
  shapes: z.array(shapeSchema).min(1),
});

const augmentationSchema = z.strictObject({
  flip: z.boolean().default(false),
  crop: z.number().min(0).max(0.5).default(0),
  colour: z.number().min(0).max(1).default(0),
  rotateClasses: z.boolean().default(false),
});

const runSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  seed: z.number().int().min(0),
  model: modelConfigurationSchema,
  domains: z
    .array(
      z.strictObject({
        source: sourceSchema,
        weight: z.number().positive().default(1),
        augmentation: augmentationSchema.prefault({}),
        /** Views of each image whose planes are kept, for a model on a trunk. */
        views: viewPlanSchema.optional(),
        /** Where the run has the stage `classify`: the share of the training classes that it learns. */
        classified: classifiedSchema,
      }),
    )
    .min(1),
  /** Of a model on a trunk: which planes are kept. */
  planes: planesSchema.optional(),
  /** Of a model on a trunk: the stage before the others (`npm run classify`). */
  classify: classifySchema.optional(),
  stages: z.array(stageSchema).min(1),
  /** Tasks of one outer step. */
  metaBatch: z.number().int().min(1).default(4),
  /** ρ_A, for the architecture controller. */
  controllerLearningRate: z.number().positive().default(1e-4),
  /**
   * ρ_outer of a part of Θ that has one of its own, all through the run. `conditions` are the layers that make a task's
   * settings on a trunk (model/controller/conditions.ts): logarithms, which do not arrive at the rate of weights. With
   * `weights: 0` the cells stay as `classify` left them.
   */
  ownLearningRates: z
    .strictObject({
      encoder: z.number().min(0).optional(),
      modulator: z.number().min(0).optional(),
      conditions: z.number().min(0).optional(),
      weights: z.number().min(0).optional(),
    })
    .optional(),
  /** β of Eq. 9, on the reconstruction loss a support image. */
  reconstructionWeight: z.number().min(0).default(0.01),
  /** Probability that a candidate operation of an edge is dropped in a search step. */
  pathDropout: z.number().min(0).max(0.9).default(0.1),
  /** Most genotypes that the trained controller chooses among (chooseGenotypes). */
  maximumGenotypes: z.number().int().min(1).default(8),
  /** Architectures with more weights than this are not kept: the exported file stays under 200 KB. */
  maximumWeights: z.number().int().min(1).default(46_000),
  /**
   * Decay of the running average of the parameters, which is what is validated and kept as the checkpoint; 0: they
   * themselves.
   */
  averaging: z.number().min(0).max(0.99999).default(0),
  /** The outer gradient is scaled down to at most this Euclidean norm. */
  gradientClip: z.number().positive().default(10),
  validation: z
    .strictObject({
      every: z.number().int().min(1),
      tasks: z.number().int().min(1),
      query: z.number().int().min(1).default(15),
    })
    .prefault({ every: 200, tasks: 20 }),
  checkpointMinutes: z.number().positive().default(3),
  workers: z.number().int().min(1).default(2),
});

/** A training run, as written in training/configs/NAME.yaml. */
export const trainingConfigurationSchema = runSchema.superRefine(({ model, planes, stages }, context) => {
  if ((model.trunk === undefined) !== (planes === undefined)) {
    const message = 'a model on a trunk needs planes, and no other has them';
    context.addIssue({ code: 'custom', path: ['planes'], message });
  }
  stages.forEach(({ stage, encoder, innerLoop }, i) => {
    if (encoder === 'fixed' && stage !== 'retrain') {
      const message = `${stage} trains the encoder with the controller`;
      context.addIssue({ code: 'custom', path: ['stages', i, 'encoder'], message });
    }
    const { rates, steps } = model.innerLoop;
    if (rates === 'fixed' || [0, steps].includes(innerLoop?.steps ?? steps)) return;
    const message = 'learned inner rates belong to the steps of the model: a stage has those, or none';
    context.addIssue({ code: 'custom', path: ['stages', i, 'innerLoop', 'steps'], message });
  });
});

export type TrainingConfiguration = z.infer<typeof trainingConfigurationSchema>;
export type StageConfiguration = TrainingConfiguration['stages'][number];

/** The model with the inner loop that a stage trains. */
export function stageModel(
  model: ModelConfiguration,
  { innerLoop }: Pick<StageConfiguration, 'innerLoop'>,
): ModelConfiguration {
  const { steps = model.innerLoop.steps, exactSteps = model.innerLoop.exactSteps } = innerLoop ?? {};
  return { ...model, innerLoop: { ...model.innerLoop, steps, exactSteps } };
}

/** Reads and checks a configuration file, which may extend another. Throws ZodError naming what does not fit. */
export async function readTrainingConfiguration(path: string): Promise<TrainingConfiguration> {
  return trainingConfigurationSchema.parse(await readExtendedYaml(path));
}
