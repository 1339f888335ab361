import * as z from 'zod';
import { modelConfigurationSchema } from '../../model/configuration.ts';
import { augmentationSchema } from '../data/augment.ts';
import { parseGenotypeKey } from '../../model/search-space/genotype.ts';
import { sourceSchema } from '../data/source.ts';
import { planesSchema } from '../planes/configuration.ts';
import { viewPlanSchema } from '../planes/plane-domain.ts';
import { readConfiguration } from '../run/read-configuration.ts';

/** A genotype by its key, which is kept as it is written. */
const genotypeKeySchema = z.string().superRefine((key, context) => {
  try {
    parseGenotypeKey(key);
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
  }
});

/** The stage `classify`: the cells learn to tell all training classes of all domains apart. */
export const classifySchema = z.strictObject({
  iterations: z.number().int().min(1).describe('steps'),
  batch: z.number().int().min(2).multipleOf(2).default(96).describe('images of one step, over both halves'),
  learningRate: z.number().positive().default(0.1).describe('falls as a cosine to zero'),
  momentum: z.number().min(0).max(0.999).default(0.9).describe('of the descent'),
  weightDecay: z.number().min(0).default(5e-4).describe('of the weights'),
  labelSmoothing: z
    .number()
    .min(0)
    .max(0.9)
    .default(0.1)
    .describe('share of a target that other classes get'),
  mixup: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe('α of the Beta distribution that mixes two images; 0: none'),
  distillation: z
    .number()
    .min(0)
    .default(10)
    .describe("factor of 1 − cosine between a linear layer of the features and the teacher's; 0: none"),
  averaging: z
    .number()
    .min(0)
    .max(0.99999)
    .default(0.999)
    .describe('decay of the running averages of the statistics and, at the end, of the weights'),
  architectures: z
    .array(genotypeKeySchema)
    .min(1)
    .describe(
      'the children that are trained, one a step at random: genotypes by their keys; one that is named more often is trained more often',
    ),
});

/** Of a domain; tasks of meta-training are drawn from the other training classes (see partOf). */
export const classifiedSchema = z
  .number()
  .min(0)
  .max(1)
  .default(0.6)
  .describe(
    'share of what trains that the stage `classify` learns, where the run has it: of the classes, or of the images where `splits.of` says so. Tasks are of the rest. 0: it does not see the domain. 1: it learns all, and tasks are of the same',
  );

/** A stem that is trained with the cells behind it, and then is their trunk. */
export const stemSchema = z.strictObject({
  channels: z
    .tuple([z.number().int().min(1), z.number().int().min(1)])
    .default([16, 32])
    .describe('of its two convolutions of stride 2'),
  licence: z.string().min(1).describe('of the trunk that it becomes'),
  teacher: planesSchema
    .nullish()
    .describe('as `planes`: whose `teacher` the features are drawn to; absent or empty: there is none'),
});

/** What of a training configuration the stage reads; the rest is not looked at. */
export const classifyRunSchema = z
  .object({
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
    seed: z.number().int().min(0),
    model: modelConfigurationSchema,
    planes: planesSchema.optional(),
    stem: stemSchema.optional(),
    classify: classifySchema,
    domains: z
      .array(
        z.object({
          source: sourceSchema,
          weight: z.number().positive().default(1),
          views: viewPlanSchema.prefault({}),
          augmentation: augmentationSchema.prefault({}),
          classified: classifiedSchema,
        }),
      )
      .min(1),
    workers: z.number().int().min(1).default(2),
    checkpointMinutes: z.number().positive().default(3),
  })
  .refine(({ planes, stem }) => planes !== undefined || stem !== undefined, {
    path: ['planes'],
    message: 'the stage reads planes, or trains a stem that makes them',
  });

export type ClassifyConfiguration = z.infer<typeof classifyRunSchema>;

/** Reads the part of a configuration file that the stage depends on. @throws as `readConfiguration` does */
export const readClassifyConfiguration = (path: string): Promise<ClassifyConfiguration> =>
  readConfiguration(path, classifyRunSchema);
