import { z } from 'zod';
import { sourceSchema } from '../data/source.ts';
import { readExtendedYaml } from '../run/extended-yaml.ts';
import { viewPlanSchema } from './plane-domain.ts';

/** Which outputs of which trunk are kept, as written under `planes` of a training configuration. */
export const planesSchema = z.strictObject({
  /** Path of the trunk's card (JSON), relative to the repository. */
  trunk: z.string().min(1),
  /** What the network reads, in the order of a row. */
  taps: z
    .array(z.string().min(1))
    .min(1)
    .refine((taps) => new Set(taps).size === taps.length, 'a tap is named twice'),
  /** Side that finer planes are averaged down to, by halves; as the trunk gives them where it is not said. */
  side: z.number().int().min(1).optional(),
  /** The output that is learned from (distillation), kept behind the taps. */
  teacher: z.string().min(1).optional(),
  /** Most that all domains together may take on disk, GB (10^9 bytes). */
  maximumGigabytes: z.number().positive().default(16),
});

/** What of a training configuration planes depend on; the rest is not looked at. */
export const planesConfigurationSchema = z.object({
  planes: planesSchema,
  domains: z.array(z.object({ source: sourceSchema, views: viewPlanSchema.prefault({}) })).min(1),
  workers: z.number().int().min(1).default(2),
});

export type PlanesConfiguration = z.infer<typeof planesConfigurationSchema>;

/** Reads the part of a configuration file that planes depend on. @throws ZodError naming what does not fit */
export async function readPlanesConfiguration(path: string): Promise<PlanesConfiguration> {
  return planesConfigurationSchema.parse(await readExtendedYaml(path));
}
