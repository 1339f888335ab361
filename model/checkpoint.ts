import { z } from 'zod';
import { modelConfigurationSchema } from './configuration.ts';
import type { ModelConfiguration } from './configuration.ts';
import { cellNames, operationNames } from './genotype.ts';
import type { Genotype, GenotypeEdge } from './genotype.ts';
import { parameterSpecifications } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import { decodeTensors, encodeTensors } from './safetensors.ts';

/** A meta-trained model: all of Θ, its configuration and what is known of its training. */
export interface Checkpoint {
  readonly id: string;
  readonly configuration: ModelConfiguration;
  readonly parameters: Parameters;
  /** The architectures that the trained controller chooses among; empty: any that decoding gives. */
  readonly genotypes: readonly Genotype[];
  /** How it was trained, by whatever trained it: configuration, iterations, seconds, commit, last validation. */
  readonly training: Readonly<Record<string, unknown>>;
}

/** A file that is no checkpoint of this project, or whose tensors do not fit its configuration. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

const format = 'm-nas/1';

const edgeSchema = z.strictObject({
  operation: z.enum(operationNames).exclude(['none']),
  input: z.number().int().min(0),
});
const cellSchema = z.strictObject({ nodes: z.array(z.array(edgeSchema).min(1)) });
const genotypeSchema = z.strictObject({ normal: cellSchema, reduction: cellSchema });

const metadataSchema = z.strictObject({
  format: z.literal(format),
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  configuration: modelConfigurationSchema,
  genotypes: z.array(genotypeSchema),
  training: z.record(z.string(), z.unknown()),
});

/** The checkpoint as one safetensors file; the same checkpoint gives the same bytes. */
export function encodeCheckpoint({
  id,
  configuration,
  parameters,
  genotypes,
  training,
}: Checkpoint): Uint8Array {
  const tensors = parameterSpecifications(configuration).map(
    ({ name, shape }) => [name, { shape, data: parameters[name]! }] as const,
  );
  const json = (value: unknown): string => JSON.stringify(value);
  return encodeTensors({
    tensors: Object.fromEntries(tensors),
    metadata: {
      format,
      id,
      configuration: json(configuration),
      genotypes: json(genotypes),
      training: json(training),
    },
  });
}

/**
 * Reads a checkpoint and checks every name and shape against its configuration.
 * @throws CheckpointError that names the first thing that does not fit
 */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  try {
    const { tensors, metadata } = decodeTensors(bytes);
    const {
      configuration: rawConfiguration,
      genotypes: rawGenotypes,
      training: rawTraining,
      ...rest
    } = metadata;
    const parsed = metadataSchema.parse({
      ...rest,
      configuration: parseJson(rawConfiguration),
      genotypes: parseJson(rawGenotypes),
      training: parseJson(rawTraining),
    });
    const { id, configuration, training } = parsed;
    checkGenotypes(parsed.genotypes, configuration);
    return {
      id,
      configuration,
      training,
      genotypes: parsed.genotypes,
      parameters: parametersOf(tensors, configuration),
    };
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`not a checkpoint: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

const parseJson = (text: string | undefined): unknown => JSON.parse(text ?? 'null');

function checkGenotypes(genotypes: readonly Genotype[], { supernet }: ModelConfiguration): void {
  const fits = (edges: readonly GenotypeEdge[], target: number): boolean =>
    edges.every(({ input }) => input < target + 2);
  const whole = genotypes.every((genotype) =>
    cellNames.every(
      (cell) => genotype[cell].nodes.length === supernet.nodes && genotype[cell].nodes.every(fits),
    ),
  );
  if (!whole) throw new CheckpointError('a genotype does not fit the configuration');
}

function parametersOf(
  tensors: Readonly<Record<string, { shape: readonly number[]; data: Float32Array }>>,
  configuration: ModelConfiguration,
): Parameters {
  const expected = parameterSpecifications(configuration);
  const names = new Set(expected.map(({ name }) => name));
  const extra = Object.keys(tensors).find((name) => !names.has(name));
  if (extra !== undefined) throw new CheckpointError(`tensor ${extra} is not part of this configuration`);
  return Object.fromEntries(
    expected.map(({ name, shape }) => {
      const tensor = tensors[name];
      if (!tensor) throw new CheckpointError(`tensor ${name} is missing`);
      if (tensor.shape.join() !== shape.join()) {
        throw new CheckpointError(
          `tensor ${name} is [${tensor.shape.join(', ')}], not [${shape.join(', ')}]`,
        );
      }
      if (!tensor.data.every(Number.isFinite))
        throw new CheckpointError(`tensor ${name} has values that are not finite`);
      return [name, tensor.data];
    }),
  );
}
