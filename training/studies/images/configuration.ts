import * as z from 'zod';
import { trainingConfigurationSchema } from '../../outer-loop/configuration.ts';
import { readConfiguration } from '../../run/read-configuration.ts';

/** The systems of Tables 2 and 3 that are not MAML or of M-NAS's family; the model is their base learner. */
const methodSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('mt-net') }),
  z.strictObject({
    kind: z.literal('bmaml'),
    particles: z.number().int().min(2).default(5),
    leaderSteps: z.number().int().min(1).default(1),
  }),
  z.strictObject({ kind: z.literal('mumomaml') }),
  z.strictObject({ kind: z.literal('hsml'), hierarchy: z.boolean().default(true) }),
  z.strictObject({
    kind: z.literal('auto-meta'),
    /** Images a class of a training task; what is tested has the shapes of the stages. */
    shots: z.number().int().min(1).default(15),
    /** Steps of a training task and images of each. */
    steps: z.number().int().min(1).default(8),
    batch: z.number().int().min(1).default(10),
    search: z
      .strictObject({
        /** Cells of one node that are trained, and cells of each further size. */
        first: z.number().int().min(1).default(16),
        beam: z.number().int().min(1).default(8),
        /** Meta-iterations of each. */
        iterations: z.number().int().min(1).default(40),
      })
      .prefault({}),
  }),
]);

export type MethodConfiguration = z.infer<typeof methodSchema>;

/** A row of the image study, as written in training/configs/images/NAME.yaml. */
export const studyConfigurationSchema = trainingConfigurationSchema
  .safeExtend({
    /** Absent: M-NAS and its variants, and MAML, which the trainer of images knows. */
    method: methodSchema.optional(),
  })
  .superRefine(({ method, model, stages }, context) => {
    if (!method) return;
    const { network, head, innerLoop } = model;
    const refuse = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    const cells = method.kind === 'auto-meta';
    if (network.kind !== (cells ? 'cells' : 'conv4'))
      refuse(['model', 'network', 'kind'], `${method.kind} adapts ${cells ? 'cells' : 'a conv4'}`);
    if (head.kind !== 'linear' && (cells || head.kind !== 'shared'))
      refuse(
        ['model', 'head', 'kind'],
        `${method.kind} has meta-learned outputs: ${cells ? '' : 'shared or '}linear`,
      );
    if (innerLoop.rates !== 'fixed' || innerLoop.exactSteps !== 'all')
      refuse(['model', 'innerLoop'], `${method.kind} has fixed rates and an exact outer gradient`);
    stages.forEach(({ stage, reinitialize, innerLoop: own }, i) => {
      if (stage !== 'retrain' || reinitialize || own)
        refuse(['stages', i], `${method.kind} is trained from new weights, by the inner loop of its model`);
    });
  });

export type StudyConfiguration = z.infer<typeof studyConfigurationSchema>;

/** A row that a baseline's own method trains. */
export type BaselineConfiguration = StudyConfiguration & { readonly method: MethodConfiguration };

/** A row that searches its cell before it trains it. */
export type AutoMetaConfiguration = StudyConfiguration & {
  readonly method: Extract<MethodConfiguration, { kind: 'auto-meta' }>;
};

export const isAutoMeta = (configuration: StudyConfiguration): configuration is AutoMetaConfiguration =>
  configuration.method?.kind === 'auto-meta';

export const isBaseline = (configuration: StudyConfiguration): configuration is BaselineConfiguration =>
  configuration.method !== undefined;

/** Reads and checks a configuration file, which may extend another. @throws as `readConfiguration` does */
export const readStudyConfiguration = (path: string): Promise<StudyConfiguration> =>
  readConfiguration(path, studyConfigurationSchema);
