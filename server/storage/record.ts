import * as z from 'zod';
import { operationNames } from '../../model/search-space/genotype.ts';
import { regressionOperations } from '../../model/regression/cell.ts';
import type { Schema } from '../../contract/schema.ts';
import { isTaskId } from './task-id.ts';

const operations = operationNames satisfies readonly Schema<'Operation'>[];

const count = z.number().int().nonnegative();
const limit = z.number().int().positive();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
/** milliseconds per stage */
const timings = z.object({ receive: z.number(), total: z.number() }).catchall(z.number());

/** What is kept of a task of any kind. */
const common = z.object({
  version: z.literal(1),
  id: z.string().refine(isTaskId),
  createdAt: z.iso.datetime(),
  checkpoint: z.object({ id: z.string(), sha256: hash }),
  steps: count,
  model: z.object({ bytes: z.number().int().positive(), sha256: hash }),
  embedding: z.array(z.number()),
  /** made where tasks have owners: without any claim it is nobody's */
  owned: z.literal(true).optional(),
});

const architecture = <T extends z.ZodType>(genotype: T) =>
  z.object({ genotype, weights: count, multiplyAdds: count });
const fits = <T extends z.ZodType>(fit: T) => z.object({ before: fit, after: fit });
const edges = <T extends z.ZodType>(operation: T) =>
  z.array(z.array(z.object({ operation, input: count })).min(1)).min(1);

const cell = z.object({ nodes: edges(z.enum(operations).exclude(['none'])) });
const tap = z.string();
const taps = z.object({
  slots: z.object({ 'normal.0': tap, 'normal.1': tap, 'reduction.0': tap }),
  beside: z.array(tap),
});

/** Labels are values, never keys (`__proto__` is one). */
export const imagesRecordSchema = common.extend({
  /** absent in the files of version 0.1.0 before there were kinds */
  kind: z.literal('images').default('images'),
  image: z.object({ size: z.number().int().positive() }),
  /** in the order of the model's outputs */
  classes: z.array(z.object({ label: z.string(), shots: z.number().int().positive() })).min(2),
  architecture: architecture(z.object({ normal: cell, reduction: cell, taps: taps.exactOptional() })),
  support: fits(z.object({ loss: z.number(), accuracy: z.number().min(0).max(1) })),
  /** what the network might cost at most; absent where nothing was said */
  budget: z
    .object({
      maxWeights: limit.exactOptional(),
      maxMultiplyAdds: limit.exactOptional(),
      maxBytes: limit.exactOptional(),
    })
    .optional(),
  /** whether images are answered together with their mirror images; absent in older files, where they never are */
  mirrored: z.boolean().default(false),
  /** absent in the files of models without the output `known` */
  openSet: z
    .object({
      midpoint: z.number(),
      slope: z.number().positive(),
      /** absent in older files */
      threshold: z.number().min(0).max(1).exactOptional(),
      leftOut: count,
    })
    .optional(),
  /** classes that share images; absent where none do, and in older files */
  sharedImages: z
    .array(z.object({ labels: z.array(z.string()).min(2), images: z.number().int().positive() }))
    .optional(),
  /** images left out in closed form, by true label (rows) and given label; absent where there were none */
  estimate: z.object({ folds: count.min(1), confusion: z.array(z.array(count)) }).optional(),
  timings: timings.extend({ decode: z.number() }),
});

export const regressionRecordSchema = common.extend({
  kind: z.literal('regression'),
  /** points of the support set */
  shots: z.number().int().positive(),
  architecture: architecture(edges(z.enum(regressionOperations).exclude(['none']))),
  support: fits(z.object({ meanSquaredError: z.number().nonnegative() })),
  timings,
});

/** `task.json`: what is kept of a task beside its ONNX file. */
export const taskRecordSchema = z.union([imagesRecordSchema, regressionRecordSchema]);

export type ImagesRecord = z.infer<typeof imagesRecordSchema>;
export type RegressionRecord = z.infer<typeof regressionRecordSchema>;
export type TaskRecord = ImagesRecord | RegressionRecord;
