import * as z from 'zod';
import { decodeStored, encodeStored } from '../checkpoint/checkpoint-file.ts';
import type { CheckpointFormat, StoredCheckpoint } from '../checkpoint/checkpoint-file.ts';
import { regressionOperations } from './cell.ts';
import type { RegressionGenotype } from './cell.ts';
import { regressionConfigurationSchema } from './configuration.ts';
import { mnasSpecifications } from './mnas.ts';

const configurationSchema = z.strictObject({
  /** Without normalisation: an exported model has no batch to take statistics of. */
  model: regressionConfigurationSchema.extend({ normalization: z.literal('none') }),
  /** Whether the encoder reads support points in the order of x or as they come. */
  order: z.enum(['drawn', 'sorted']),
});

export type ServedRegression = z.infer<typeof configurationSchema>;

/** A meta-trained model for regression x -> y. */
export type RegressionCheckpoint = StoredCheckpoint<ServedRegression, RegressionGenotype>;

export const regressionFormat: CheckpointFormat<ServedRegression, RegressionGenotype> = {
  name: 'm-nas-regression/1',
  configuration: configurationSchema,
  genotype: z.array(
    z
      .array(
        z.strictObject({
          operation: z.enum(regressionOperations).exclude(['none']),
          input: z.number().int().min(0),
        }),
      )
      .min(1),
  ),
  specifications: ({ model }) => mnasSpecifications(model),
  fits: (genotype, { model }) =>
    genotype.length === model.cell.nodes &&
    genotype.every((edges, target) => edges.every(({ input }) => input < target + 2)),
};

/** The checkpoint as one safetensors file; the same checkpoint gives the same bytes. */
export const encodeRegressionCheckpoint = (checkpoint: RegressionCheckpoint): Uint8Array =>
  encodeStored(regressionFormat, checkpoint);

/** @throws CheckpointError that names the first thing that does not fit */
export const decodeRegressionCheckpoint = (bytes: Uint8Array): RegressionCheckpoint =>
  decodeStored(regressionFormat, bytes);
