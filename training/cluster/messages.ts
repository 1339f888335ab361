import { createHash } from 'node:crypto';
import * as z from 'zod';
import { engineChoices } from '../../engine/options.ts';
import { genotypeKey, parseGenotypeKey } from '../../model/search-space/genotype.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import type { TaskRange } from '../outer-loop/mean-gradient.ts';
import type { GradientResult } from '../outer-loop/gradient-job.ts';
import { trainingConfigurationSchema } from '../outer-loop/configuration.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();

/** What a trainer says of its run. */
export const announcementSchema = z.object({
  /** Of one start of the trainer. */
  epoch: z.string(),
  /** Whether the run has ended. */
  ended: z.boolean(),
  engine: z.enum(engineChoices),
  shared: z.object({
    identity: hash,
    domains: z.record(z.string(), hash),
    arithmetic: hash,
    versions: z.string(),
    commit: z.string(),
  }),
  configuration: trainingConfigurationSchema,
});

export type Announcement = z.infer<typeof announcementSchema>;

/** Which parts are wanted: those of older iterations, or of a trainer that was started before, no more. */
export const wantedOf = (epoch: string, iteration: number): string => `${epoch}:${iteration}`;

/** A part of a meta-batch, as BullMQ hands it out. What the tasks are follows from configuration and iteration. */
export const partSchema = z.object({
  epoch: z.string(),
  iteration: count,
  first: count,
  count: z.number().int().positive(),
  /** Of Θ. */
  parameters: hash,
  /** Architectures so far, by their keys. */
  genotypes: z.array(z.string()),
});

export type Part = z.infer<typeof partSchema>;

/** JSON has no numbers that are not finite; a diverging task tells them. */
const anyNumber = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)]);

const resultSchema = z.object({
  domain: z.string(),
  loss: anyNumber,
  finite: z.boolean(),
  accuracy: anyNumber,
  supportBefore: anyNumber.nullable(),
  supportAfter: anyNumber.nullable(),
  reconstruction: anyNumber,
  genotype: z.string().nullable(),
});

/** What a machine tells of a part whose sum it has left in Redis; null where it was wanted no more, or stayed at home. */
export const answerSchema = z
  .object({
    host: z.string(),
    /** Of the sum. */
    sum: hash,
    /** Bytes of Θ that were fetched for it. */
    fetched: count,
    results: z.array(resultSchema),
  })
  .nullable();

export interface Answer {
  readonly host: string;
  readonly sum: string;
  readonly fetched: number;
  readonly results: readonly GradientResult[];
}

/** An answer as JSON can hold it. */
export const sendable = (answer: Answer): object => ({
  ...answer,
  results: answer.results.map((result) =>
    Object.fromEntries(
      Object.entries(result).map(([key, value]) => [
        key,
        typeof value === 'number' && !Number.isFinite(value) ? String(value) : (value as unknown),
      ]),
    ),
  ),
});

/** The id of a part's job: a later try is another job. */
export const partId = (
  { epoch, iteration, first }: Pick<Part, 'epoch' | 'iteration' | 'first'>,
  attempt: number,
) => `${epoch}-${iteration}-${first}-${attempt}`;

/** The first task of the part whose job has this id, where it is of that iteration. */
export function firstOf(id: string, epoch: string, iteration: number): number | undefined {
  const [own, at, first] = id.split('-');
  return own === epoch && Number(at) === iteration ? Number(first) : undefined;
}

export const keysOf = (genotypes: readonly Genotype[]): string[] => genotypes.map(genotypeKey);
export const genotypesOf = ({ genotypes }: Part): Genotype[] => genotypes.map(parseGenotypeKey);
export const rangeOf = ({ first, count }: TaskRange): TaskRange => ({ first, count });

/** A vector's bytes, little-endian float32, as they lie in memory; not copied. */
export const vectorBytes = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

export const vectorHash = (vector: Float32Array): string =>
  createHash('sha256').update(vectorBytes(vector)).digest('hex');

/**
 * The vector of bytes that were sent: a copy.
 * @throws Error when they are not those of the hash
 */
export function vectorOf(bytes: Buffer | null, wanted: string): Float32Array {
  if (bytes === null) throw new Error('it is not there');
  const vector = new Float32Array(Math.floor(bytes.length / 4));
  vectorBytes(vector).set(bytes.subarray(0, 4 * vector.length));
  if (4 * vector.length !== bytes.length || vectorHash(vector) !== wanted)
    throw new Error(`${bytes.length} bytes that are not those that were sent`);
  return vector;
}
