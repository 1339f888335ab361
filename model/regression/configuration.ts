import * as z from 'zod';
import { autoEncoderSchema } from '../configuration.ts';

/**
 * M-NAS for few-shot regression x -> y (paper, "Toy Regression"): everything that decides the shapes and the meaning
 * of a checkpoint's tensors. The defaults are the paper's, or reference code's where it is silent (docs/paper-map.md).
 */
export const regressionConfigurationSchema = z
  .object({
    cell: z
      .object({
        width: z.number().int().min(1).default(50),
        nodes: z.number().int().min(1).max(8).default(3),
      })
      .strict()
      .prefault({}),
    encoder: autoEncoderSchema({ features: 20, state: 40 }),
    controller: z
      .object({
        kind: z.enum(['task-aware', 'shared']).default('task-aware'),
        hidden: z.number().int().min(1).default(40),
      })
      .strict()
      .prefault({}),
    /** `gate`: τ in (0, 2) by a sigmoid; `scale`: τ of any size and sign; `none`: M-NAS-NM. */
    modulator: z
      .object({ kind: z.enum(['gate', 'scale', 'none']).default('gate') })
      .strict()
      .prefault({}),
    /**
     * Of the linear operations: by the batch's statistics (the paper's), by the support set's, or not at all. With an
     * affine part, which is among the weights.
     */
    normalization: z.enum(['batch', 'support', 'none']).default('none'),
    innerLoop: z
      .object({
        steps: z.number().int().min(0).default(5),
        learningRate: z.number().positive().default(0.001),
        /** `learned`: a factor for every step and weight tensor, part of Θ (MAML++). */
        rates: z.enum(['fixed', 'learned']).default('fixed'),
      })
      .strict()
      .prefault({}),
  })
  .strict();

export type RegressionConfiguration = z.infer<typeof regressionConfigurationSchema>;
