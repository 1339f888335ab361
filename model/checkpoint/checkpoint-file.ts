import * as z from 'zod';
import type { ParameterSpecification, Parameters } from '../layers/parameter-specification.ts';
import { decodeMetadata, decodeTensors, encodeTensors } from './safetensors.ts';

/** A meta-trained model: all of Θ, its configuration and what is known of its training. */
export interface StoredCheckpoint<C, G> {
  readonly id: string;
  readonly configuration: C;
  readonly parameters: Parameters;
  /** The architectures that the trained controller chooses among; empty: any that decoding gives. */
  readonly genotypes: readonly G[];
  /** How it was trained, by whatever trained it: configuration, iterations, seconds, commit, last validation. */
  readonly training: Readonly<Record<string, unknown>>;
}

/** One kind of checkpoint: what its files contain. */
export interface CheckpointFormat<C, G> {
  /** `m-nas…/version`, the file's first word about itself. */
  readonly name: string;
  readonly configuration: z.ZodType<C>;
  readonly genotype: z.ZodType<G>;
  readonly specifications: (configuration: C) => readonly ParameterSpecification[];
  /** Whether a genotype is one of the configuration's search space. */
  readonly fits: (genotype: G, configuration: C) => boolean;
}

/** A file that is no checkpoint of this project, or whose tensors do not fit its configuration. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

const idSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/);

/** The checkpoint as one safetensors file; the same checkpoint gives the same bytes. */
export function encodeStored<C, G>(
  format: CheckpointFormat<C, G>,
  { id, configuration, parameters, genotypes, training }: StoredCheckpoint<C, G>,
): Uint8Array {
  const tensors = format
    .specifications(configuration)
    .map(({ name, shape }) => [name, { shape, data: parameters[name]! }] as const);
  const json = (value: unknown): string => JSON.stringify(value);
  return encodeTensors({
    tensors: Object.fromEntries(tensors),
    metadata: {
      format: format.name,
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
export function decodeStored<C, G>(
  format: CheckpointFormat<C, G>,
  bytes: Uint8Array,
): StoredCheckpoint<C, G> {
  return asCheckpointError(() => {
    const { tensors, metadata } = decodeTensors(bytes);
    const {
      configuration: rawConfiguration,
      genotypes: rawGenotypes,
      training: rawTraining,
      ...rest
    } = metadata;
    const { id } = z.strictObject({ format: z.literal(format.name), id: idSchema }).parse(rest);
    const configuration = format.configuration.parse(parseJson(rawConfiguration));
    const genotypes = z.array(format.genotype).parse(parseJson(rawGenotypes));
    const training = z.record(z.string(), z.unknown()).parse(parseJson(rawTraining));
    if (!genotypes.every((genotype) => format.fits(genotype, configuration)))
      throw new CheckpointError('a genotype does not fit the configuration');
    const parameters = parametersOf(tensors, format.specifications(configuration));
    return { id, configuration, training, genotypes, parameters };
  });
}

/** The format that a checkpoint names. @throws CheckpointError when the bytes are no safetensors file */
export const formatOf = (bytes: Uint8Array): string | undefined =>
  asCheckpointError(() => decodeMetadata(bytes)['format']);

function asCheckpointError<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`not a checkpoint: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

const parseJson = (text: string | undefined): unknown => JSON.parse(text ?? 'null');

function parametersOf(
  tensors: Readonly<Record<string, { shape: readonly number[]; data: Float32Array }>>,
  expected: readonly ParameterSpecification[],
): Parameters {
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
