import * as z from 'zod';
import { splits } from '../data/domain.ts';
import { sourceSchema } from '../data/source.ts';
import { readConfiguration } from '../run/read-configuration.ts';
import { viewPlanSchema } from './plane-domain.ts';

/** Which outputs of which trunk are kept, as written under `planes` of a training configuration. */
export const planesSchema = z.strictObject({
  trunk: z.string().min(1).describe("path of the trunk's card (JSON)"),
  taps: z
    .array(z.string().min(1))
    .min(1)
    .refine((taps) => new Set(taps).size === taps.length, 'a tap is named twice')
    .describe('what the network reads, in the order of a row; as `model.trunk.taps`'),
  side: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('finer planes are averaged down to it, by halves; absent: they stay'),
  teacher: z.string().min(1).optional().describe('the output that `classify` learns from (distillation)'),
  maximumGigabytes: z
    .number()
    .positive()
    .default(16)
    .describe('most that all domains together may take on disk, GB of 10⁹ bytes'),
});

/** What of a training configuration planes depend on; the rest is not looked at. */
export const planesConfigurationSchema = z.object({
  planes: planesSchema,
  domains: z
    .array(
      z.object({
        source: sourceSchema,
        views: viewPlanSchema.prefault({}),
        /** The part of the classes that is kept, for evaluation; all are where it is not said. */
        part: z
          .strictObject({ split: z.enum(splits).optional(), mostClasses: z.number().int().min(1).optional() })
          .optional(),
      }),
    )
    .min(1),
  workers: z.number().int().min(1).default(2),
});

export type PlanesConfiguration = z.infer<typeof planesConfigurationSchema>;

/** Reads the part of a configuration file that planes depend on. @throws as `readConfiguration` does */
export const readPlanesConfiguration = (path: string): Promise<PlanesConfiguration> =>
  readConfiguration(path, planesConfigurationSchema);
