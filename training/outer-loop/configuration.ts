import * as z from 'zod';
import { modelConfigurationSchema, stageNames } from '../../model/configuration.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { classifiedSchema, classifySchema, stemSchema } from '../classify/configuration.ts';
import { augmentationSchema } from '../data/augment.ts';
import { sourceSchema } from '../data/source.ts';
import { planesSchema } from '../planes/configuration.ts';
import { viewPlanSchema } from '../planes/plane-domain.ts';
import { readConfiguration } from '../run/read-configuration.ts';

const shapeSchema = z.strictObject({
  way: z
    .number()
    .int()
    .min(2)
    .max(20)
    .describe('classes; a domain that has fewer has tasks of as many as it has'),
  shot: z.number().int().min(1).max(50).describe('support images a class'),
  query: z.number().int().min(1).max(50).describe('query images a class; fewer where a class has fewer left'),
  weight: z.number().positive().default(1).describe('shapes are drawn with probability proportional to it'),
});

const rate = z.number().positive();
const startAndEnd = z.tuple([rate, rate]);

const stageSchema = z.strictObject({
  stage: z
    .enum(stageNames)
    .describe(
      '`search`: the relaxed network, with the controller. `tune`: what decoding does not select is zeroed. `retrain`: decoded networks alone, controller fixed. `choose`, on a trunk: the controller alone, which learns which of the kept networks answers a task best',
    ),
  iterations: z.number().int().min(1).describe('outer steps'),
  learningRate: startAndEnd
    .default([1e-3, 1e-3])
    .describe('ρ_outer at the start and at the end of the stage, linear between'),
  metaBatch: z.number().int().min(1).optional().describe("tasks of one outer step, where not the run's"),
  encoder: z
    .enum(['trained', 'fixed'])
    .default('trained')
    .describe('`fixed`, for `retrain`: every task keeps the architecture that the search gave it'),
  architectures: z
    .enum(['chosen', 'drawn'])
    .optional()
    .describe(
      "for `retrain`. `drawn`: every task trains one of the kept architectures at random, so that all are trained alike. `chosen`, by default: the controller's",
    ),
  reinitialize: z
    .boolean()
    .default(false)
    .describe('draws all but the controller and a fixed encoder anew at the start of the stage'),
  temperature: startAndEnd
    .default([1, 1])
    .describe(
      'of the softmax that relaxes the architecture, in `search`, at the start and at the end, geometric between. What follows decodes at the last one',
    ),
  entropyWeight: z
    .tuple([z.number().min(0), z.number().min(0)])
    .default([0, 0])
    .describe(
      "factor of the architecture's mean entropy in the loss of `search`, at the start and at the end, linear between. With it the search decides",
    ),
  innerLoop: z
    .strictObject({
      steps: z
        .number()
        .int()
        .min(0)
        .optional()
        .describe(
          '0: the features are trained for a head of class means (Snell et al. 2017), and many ways are cheap',
        ),
      exactSteps: modelConfigurationSchema.shape.innerLoop
        .unwrap()
        .shape.exactSteps.unwrap()
        .optional()
        .describe('last steps that the outer gradient goes through; `all`: every one'),
    })
    .optional()
    .describe("what the inner loop of the stage's tasks has otherwise than the model's"),
  shapes: z.array(shapeSchema).min(1).describe('shapes of the tasks'),
});

const runSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
    .describe(
      'of the folder `runs/NAME` and of the checkpoint; small letters, digits, dot, dash, underscore',
    ),
  seed: z.number().int().min(0).describe('of everything random: the same seed gives the same bits'),
  model: modelConfigurationSchema.describe('shapes and meaning of the weights; it is kept in the checkpoint'),
  domains: z
    .array(
      z.strictObject({
        source: sourceSchema.describe('where the images come from'),
        weight: z
          .number()
          .positive()
          .default(1)
          .describe('domains of training tasks are drawn with probability proportional to it'),
        augmentation: augmentationSchema
          .prefault({})
          .describe('of the images of training tasks, for a model without a trunk'),
        views: viewPlanSchema
          .optional()
          .describe('of each image, whose planes are kept, for a model on a trunk'),
        classified: classifiedSchema,
      }),
    )
    .min(1)
    .describe('what tasks are drawn from'),
  planes: planesSchema.optional().describe('which planes of the trunk are kept, for a model on a trunk'),
  classify: classifySchema
    .optional()
    .describe('the stage before the others, for a model on a trunk (`npm run classify`)'),
  stem: stemSchema
    .optional()
    .describe('trained by `classify` with the cells behind it: it becomes the trunk of the others'),
  stages: z.array(stageSchema).min(1).describe('one after another'),
  metaBatch: z.number().int().min(1).default(4).describe('tasks of one outer step'),
  controllerLearningRate: rate.default(1e-4).describe('ρ_A, for the architecture controller'),
  ownLearningRates: z
    .strictObject({
      encoder: z.number().min(0).optional().describe('of the task encoder'),
      modulator: z.number().min(0).optional().describe('of the modulator'),
      conditions: z
        .number()
        .min(0)
        .optional()
        .describe(
          "of the layers that make a task's settings on a trunk: logarithms, which need a larger rate",
        ),
      weights: z.number().min(0).optional().describe('of the meta-weights; 0: the cells stay as they began'),
    })
    .optional()
    .describe('ρ_outer of a part of Θ that has one of its own, all through the run'),
  reconstructionWeight: z
    .number()
    .min(0)
    .default(0.01)
    .describe('β of Eq. 9, on the reconstruction loss of a support image'),
  pathDropout: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe('probability that a candidate operation of an edge is dropped in a step of `search`'),
  maximumGenotypes: z
    .number()
    .int()
    .min(1)
    .default(8)
    .describe('most architectures that the trained controller chooses among'),
  maximumWeights: z
    .number()
    .int()
    .min(1)
    .default(46_000)
    .describe('architectures of more weights are not kept: the exported file stays under 200 KB'),
  averaging: z
    .number()
    .min(0)
    .max(0.99999)
    .default(0)
    .describe(
      'decay of the running average of Θ, which is validated and kept as the checkpoint; 0: Θ itself is',
    ),
  gradientClip: z
    .number()
    .positive()
    .default(10)
    .describe('the outer gradient is scaled down to at most this Euclidean norm'),
  validation: z
    .strictObject({
      every: z.number().int().min(1).describe('iterations from one to the next'),
      tasks: z.number().int().min(1).describe('tasks a domain'),
      query: z.number().int().min(1).default(15).describe('query images a class'),
    })
    .prefault({ every: 200, tasks: 20 })
    .describe("tasks of validation classes, in the last stage's first shape"),
  checkpointMinutes: z.number().positive().default(3).describe('minutes from one save to the next'),
  workers: z.number().int().min(1).default(2).describe('worker threads; any number gives the same bits'),
});

/** A training run, as written in training/configs/NAME.yaml. */
export const trainingConfigurationSchema = runSchema.superRefine(
  ({ model, planes, domains, stages }, context) => {
    if ((model.trunk === undefined) !== (planes === undefined)) {
      const message = 'a model on a trunk needs planes, and no other has them';
      context.addIssue({ code: 'custom', path: ['planes'], message });
    }
    const { kinds } = model.controller;
    if (kinds !== undefined && stages.at(-1)!.stage === 'choose' && kinds !== domains.length) {
      const message = `the choice is learned on ${domains.length} kinds of images, one a domain`;
      context.addIssue({ code: 'custom', path: ['model', 'controller', 'kinds'], message });
    }
    stages.forEach(({ stage, encoder, architectures, innerLoop, shapes }, i) => {
      const { outputs } = model.head;
      if (outputs !== undefined && shapes.some(({ way }) => way > outputs)) {
        const message = `a linear head of ${outputs} outputs has no tasks of more classes`;
        context.addIssue({ code: 'custom', path: ['stages', i, 'shapes'], message });
      }
      if (architectures === 'drawn' && stage !== 'retrain') {
        const message = `${stage} has no architectures to draw from yet`;
        context.addIssue({ code: 'custom', path: ['stages', i, 'architectures'], message });
      }
      if (encoder === 'fixed' && stage !== 'retrain') {
        const message = `${stage} trains the encoder with the controller`;
        context.addIssue({ code: 'custom', path: ['stages', i, 'encoder'], message });
      }
      if (stage === 'choose' && !model.trunk) {
        const message = 'choose is a stage of models on a trunk';
        context.addIssue({ code: 'custom', path: ['stages', i, 'stage'], message });
      }
      const { rates, steps } = model.innerLoop;
      if (rates === 'fixed' || [0, steps].includes(innerLoop?.steps ?? steps)) return;
      const message = 'learned inner rates belong to the steps of the model: a stage has those, or none';
      context.addIssue({ code: 'custom', path: ['stages', i, 'innerLoop', 'steps'], message });
    });
  },
);

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

/** Reads and checks a configuration file, which may extend another. @throws as `readConfiguration` does */
export const readTrainingConfiguration = (path: string): Promise<TrainingConfiguration> =>
  readConfiguration(path, trainingConfigurationSchema);
