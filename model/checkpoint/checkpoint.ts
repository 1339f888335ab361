import { z } from 'zod';
import { decodeStored, encodeStored } from './checkpoint-file.ts';
import type { CheckpointFormat, StoredCheckpoint } from './checkpoint-file.ts';
import { modelConfigurationSchema } from '../configuration.ts';
import type { ModelConfiguration } from '../configuration.ts';
import { cellNames, operationNames } from '../search-space/genotype.ts';
import type { Genotype, GenotypeEdge } from '../search-space/genotype.ts';
import { parameterSpecifications } from '../parameters.ts';

export { CheckpointError } from './checkpoint-file.ts';

/** A meta-trained model for image classification. */
export type Checkpoint = StoredCheckpoint<ModelConfiguration, Genotype>;

const edgeSchema = z.strictObject({
  operation: z.enum(operationNames).exclude(['none']),
  input: z.number().int().min(0),
});
const cellSchema = z.strictObject({ nodes: z.array(z.array(edgeSchema).min(1)) });

export const checkpointFormat: CheckpointFormat<ModelConfiguration, Genotype> = {
  name: 'm-nas/1',
  configuration: modelConfigurationSchema,
  genotype: z.strictObject({ normal: cellSchema, reduction: cellSchema }),
  specifications: parameterSpecifications,
  fits: (genotype, { supernet }) => {
    const fits = (edges: readonly GenotypeEdge[], target: number): boolean =>
      edges.every(({ input }) => input < target + 2);
    return cellNames.every(
      (cell) => genotype[cell].nodes.length === supernet.nodes && genotype[cell].nodes.every(fits),
    );
  },
};

/** The checkpoint as one safetensors file; the same checkpoint gives the same bytes. */
export const encodeCheckpoint = (checkpoint: Checkpoint): Uint8Array =>
  encodeStored(checkpointFormat, checkpoint);

/** @throws CheckpointError that names the first thing that does not fit */
export const decodeCheckpoint = (bytes: Uint8Array): Checkpoint => decodeStored(checkpointFormat, bytes);
