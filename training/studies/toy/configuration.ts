import * as z from 'zod';
import { stageNames } from '../../../model/configuration.ts';
import { parseRegressionKey, regressionKey } from '../../../model/regression/cell.ts';
import { regressionFormat } from '../../../model/regression/checkpoint.ts';
import { regressionConfigurationSchema } from '../../../model/regression/configuration.ts';
import type { RegressionConfiguration } from '../../../model/regression/configuration.ts';
import { readConfiguration } from '../../run/read-configuration.ts';

const stageSchema = z.strictObject({
  stage: z.enum(stageNames).exclude(['choose']),
  iterations: z.number().int().min(1),
  /** ρ_outer at the start and at the end of the stage. */
  learningRate: z.tuple([z.number().positive(), z.number().positive()]).default([1e-3, 1e-3]),
  schedule: z.enum(['linear', 'cosine']).default('linear'),
  /**
   * Draws w̃ and modulator anew at the start of the stage, as M-NAS-Shared's re-training does. The encoder too, unless
   * the controller reads what it gives.
   */
  reinitialize: z.boolean().default(false),
  /**
   * Iterations at the start of the stage in which every inner step's query error counts (MAML++). MT-Net and BMAML have
   * none.
   */
  multiStepIterations: z.number().int().min(0).default(0),
});

const fullyConnected = z.strictObject({
  layers: z.number().int().min(1).default(4),
  width: z.number().int().min(1).default(50),
  steps: z.number().int().min(0).default(5),
  learningRate: z.number().positive().default(1e-3),
});
const plainLearner = fullyConnected.prefault({});
const ratedLearner = fullyConnected
  .extend({ rates: regressionConfigurationSchema.shape.innerLoop.unwrap().shape.rates })
  .prefault({});

const encoder = regressionConfigurationSchema.shape.encoder;

/** A row of Table 1: what is trained. The baselines' base learner has `layers` hidden layers. */
const methodSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('m-nas'),
    model: regressionConfigurationSchema.prefault({}),
    /** Key of the architecture of all tasks, where none is searched: every stage is `retrain` then. */
    genotype: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('maml'), learner: ratedLearner }),
  z.strictObject({ kind: z.literal('mt-net'), learner: plainLearner }),
  z.strictObject({
    kind: z.literal('bmaml'),
    learner: plainLearner,
    particles: z.number().int().min(1).default(10),
    leaderSteps: z.number().int().min(1).default(1),
  }),
  z.strictObject({
    kind: z.literal('mumomaml'),
    learner: ratedLearner,
    encoder,
    /** What of a hidden layer is: its product, or what its ReLU gives. */
    modulated: z.enum(['linear', 'activated']).default('linear'),
  }),
  z.strictObject({
    kind: z.literal('hsml'),
    learner: ratedLearner,
    encoder,
    hierarchy: z.boolean().default(true),
  }),
]);

const runSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  seed: z.number().int().min(0),
  method: methodSchema,
  reading: z
    .strictObject({
      xStd: z.number().positive().default(Math.SQRT2),
      query: z.enum(['same', 'uniform']).default('same'),
    })
    .prefault({}),
  /** Points of a task. */
  points: z
    .strictObject({
      support: z.number().int().min(1).default(10),
      query: z.number().int().min(1).default(10),
    })
    .prefault({}),
  /** Whether support points come in the order of x or as drawn. */
  order: z.enum(['drawn', 'sorted']).default('drawn'),
  stages: z.array(stageSchema).min(1),
  metaBatch: z.number().int().min(1).default(25),
  /** ρ_A */
  controllerLearningRate: z.number().positive().default(1e-4),
  /** β of Eq. 9 */
  reconstructionWeight: z.number().min(0).default(0.01),
  pathDropout: z.number().min(0).max(0.9).default(0.1),
  maximumGenotypes: z.number().int().min(1).default(10),
  /** Largest Euclidean norm of the outer gradient of a task's mean. */
  gradientClip: z.number().positive().default(10),
  validation: z
    .strictObject({ every: z.number().int().min(1), tasks: z.number().int().min(1) })
    .prefault({ every: 1000, tasks: 250 }),
  checkpointMinutes: z.number().positive().default(3),
  workers: z.number().int().min(1).default(2),
});

/** What is wrong with an architecture that a run is given, or null. */
function genotypeFault(key: string, model: RegressionConfiguration): string | null {
  try {
    const genotype = parseRegressionKey(key);
    const fits = regressionFormat.fits(genotype, {
      model: { ...model, normalization: 'none' },
      order: 'drawn',
    });
    return fits && regressionKey(genotype) === key ? null : 'the genotype is none of this cell';
  } catch (error) {
    return (error as RangeError).message;
  }
}

/** What does not go together in a configuration whose parts all fit, or null. */
function contradiction({ method, stages }: z.infer<typeof runSchema>): string | null {
  const stepwise = stages.some(({ multiStepIterations }) => multiStepIterations > 0);
  if (stepwise && (method.kind === 'mt-net' || method.kind === 'bmaml'))
    return `${method.kind} has no loss of every inner step`;
  if (method.kind !== 'm-nas' || method.genotype === undefined) return null;
  if (stages.some(({ stage }) => stage !== 'retrain'))
    return 'a given genotype is not searched: retrain alone';
  if (method.model.controller.kind !== 'shared')
    return 'a given genotype is that of all tasks: controller shared';
  return genotypeFault(method.genotype, method.model);
}

/** A toy run, as written in training/configs/toy/NAME.yaml. */
export const toyConfigurationSchema = runSchema.superRefine((configuration, context) => {
  const message = contradiction(configuration);
  if (message !== null) context.addIssue({ code: 'custom', message, path: ['method'] });
});

export type ToyConfiguration = z.infer<typeof toyConfigurationSchema>;
export type ToyStage = ToyConfiguration['stages'][number];

/** Reads and checks a configuration file, which may extend another. @throws as `readConfiguration` does */
export const readToyConfiguration = (path: string): Promise<ToyConfiguration> =>
  readConfiguration(path, toyConfigurationSchema);
