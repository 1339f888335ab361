import * as z from 'zod';
import { decodeStored, encodeStored } from './checkpoint-file.ts';
import type { CheckpointFormat, StoredCheckpoint } from './checkpoint-file.ts';
import { modelConfigurationSchema } from '../configuration.ts';
import type { ModelConfiguration } from '../configuration.ts';
import { cellNames, operationNames } from '../search-space/genotype.ts';
import type { Genotype, GenotypeEdge, TapChoice } from '../search-space/genotype.ts';
import { tapSlots } from '../search-space/taps.ts';
import { parameterSpecifications } from '../parameters.ts';

export { CheckpointError } from './checkpoint-file.ts';

/** A meta-trained model for image classification. */
export type Checkpoint = StoredCheckpoint<ModelConfiguration, Genotype>;

const edgeSchema = z.strictObject({
  operation: z.enum(operationNames).exclude(['none']),
  input: z.number().int().min(0),
});
const tapSchema = z.string();
const tapsSchema = z.strictObject({
  slots: z.strictObject({ 'normal.0': tapSchema, 'normal.1': tapSchema, 'reduction.0': tapSchema }),
  beside: z.array(tapSchema),
});
const cellSchema = z.strictObject({ nodes: z.array(z.array(edgeSchema).min(1)) });

export const checkpointFormat: CheckpointFormat<ModelConfiguration, Genotype> = {
  name: 'm-nas/1',
  configuration: modelConfigurationSchema,
  genotype: z.strictObject({ normal: cellSchema, reduction: cellSchema, taps: tapsSchema.exactOptional() }),
  specifications: parameterSpecifications,
  fits: (genotype, configuration) => {
    const { supernet } = configuration;
    const fits = (edges: readonly GenotypeEdge[], target: number): boolean =>
      edges.every(({ input }) => input < target + 2);
    return (
      tapsFit(genotype.taps, configuration) &&
      cellNames.every(
        (cell) => genotype[cell].nodes.length === supernet.nodes && genotype[cell].nodes.every(fits),
      )
    );
  },
};

/** Whether a genotype reads taps that its model has, fine enough for their slots and each once beside the cells. */
function tapsFit(taps: TapChoice | undefined, configuration: ModelConfiguration): boolean {
  const { trunk } = configuration;
  if (!taps || !trunk) return !taps && !trunk;
  const { slots, beside } = taps;
  const known = trunk.taps.map(({ name }) => name);
  return (
    tapSlots(configuration).every(({ name, taps: own }) => own.some((tap) => tap.name === slots[name])) &&
    new Set(beside).size === beside.length &&
    beside.every((name) => known.includes(name))
  );
}

/** The checkpoint as one safetensors file; the same checkpoint gives the same bytes. */
export const encodeCheckpoint = (checkpoint: Checkpoint): Uint8Array =>
  encodeStored(checkpointFormat, checkpoint);

/** @throws CheckpointError that names the first thing that does not fit */
export const decodeCheckpoint = (bytes: Uint8Array): Checkpoint => decodeStored(checkpointFormat, bytes);
