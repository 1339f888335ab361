import * as z from 'zod';

/**
 * Stages of meta-training. `search`: the relaxed network (Algorithm 1). `tune`: what decoding does not select is zeroed,
 * and cotangents go straight through to the controller. `retrain`: decoded networks alone, controller fixed.
 */
export const stageNames = ['search', 'tune', 'retrain', 'choose'] as const;
export type Stage = (typeof stageNames)[number];

const kinds = ['recurrent', 'bidirectional', 'set'] as const;

/** Its kind and the lengths of F(x, y) and of a state z_ij, with the lengths that are taken where none is given. */
export const autoEncoderSchema = (lengths: { readonly features: number; readonly state: number }) =>
  z
    .strictObject({
      kind: z
        .enum(kinds)
        .default('recurrent')
        .describe(
          "`recurrent`: the paper's GRU; `bidirectional`: GRUs from both ends; `set`: attention, no order",
        ),
      features: z.number().int().min(1).default(lengths.features).describe('length of F(x, y)'),
      state: z.number().int().min(1).default(lengths.state).describe('length of a state z_ij'),
    })
    .refine(({ kind, state }) => kind !== 'bidirectional' || state % 2 === 0, {
      path: ['state'],
      message: 'both directions share the state: it must be even',
    })
    .prefault({});

export type AutoEncoder = z.infer<ReturnType<typeof autoEncoderSchema>>;

/** Whether the start of shares names sources alone. */
const sharesName = (
  taps: readonly { readonly name: string }[],
  shares: { readonly start: Readonly<Record<string, number>> } | undefined,
): boolean =>
  Object.keys(shares?.start ?? {}).every(
    (source) => source === 'cells' || taps.some(({ name }) => name === source),
  );

/**
 * Everything that decides the shapes and the meaning of a checkpoint's tensors. It is stored in the checkpoint itself;
 * defaults are the paper's where it gives one, else those of docs/paper-map.md.
 */
export const modelConfigurationSchema = z
  .object({
    image: z
      .strictObject({
        size: z
          .number()
          .int()
          .min(16)
          .max(256)
          .multipleOf(2)
          .default(42)
          .describe('side that images are squeezed to, pixels'),
        stride: z
          .union([z.literal(1), z.literal(2)])
          .default(1)
          .describe('of the first convolution; 2: later layers cost what images of half the side do'), // docs/adr/0010-first-stride.md
      })
      /** the stem pools windows of 2x2 */
      .refine(({ size, stride }) => size % (2 * stride) === 0, {
        path: ['size'],
        message: 'the first convolution must give an even side',
      })
      .prefault({})
      .describe('what the network sees of an image'),
    trunk: z
      .strictObject({
        name: z
          .string()
          .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
          .describe('its file is NAME.onnx, its card NAME.json'),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .describe('of its file'),
        taps: z
          .array(
            z.strictObject({
              name: z
                .string()
                .regex(/^[a-z0-9]+$/)
                .describe('as in the card'),
              channels: z.number().int().min(1).describe('of its planes'),
              side: z.number().int().min(2).describe('of its planes, as they are kept'),
            }),
          )
          .min(1)
          .describe("outputs that the model reads, in the trunk's order"),
        shares: z
          .strictObject({
            start: z
              .record(z.string(), z.number().positive())
              .describe(
                "what a task's shares start from, by source (`cells` and the taps); 1 where none is given",
              ),
            bound: z
              .number()
              .positive()
              .describe("by how much a share's logarithm may differ from its start"),
          })
          .optional()
          .describe('of the sources of features, relative to each other; absent: equal, without bound'),
      })
      .refine(({ taps, shares }) => sharesName(taps, shares), {
        path: ['shares', 'start'],
        message: 'names a source that is neither cells nor a tap',
      })
      .optional()
      .describe('the frozen network whose planes the cells read; absent: they read pixels'), // model/trunk/
    network: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('cells').describe('the network that is searched') }),
        z.strictObject({
          kind: z
            .literal('conv4')
            .describe("the base learner of MAML's tables, without encoder, controller and modulator"),
          filters: z.number().int().min(1).default(32).describe('of each convolution'),
        }),
      ])
      .prefault({ kind: 'cells' })
      .describe('what a task adapts'),
    supernet: z
      .object({
        channels: z.number().int().min(1).default(16).describe('of a node of the first cell'),
        nodes: z.number().int().min(1).max(8).default(4).describe('inner nodes of a cell'),
        stem: z
          .tuple([z.number().int().min(1), z.number().int().min(1)])
          .default([24, 48])
          .describe('channels of the two convolutions before the cells'),
        // docs/adr/0013-rectified-features.md
        rectified: z
          .boolean()
          .optional()
          .describe(
            "whether the last cell's nodes go through a ReLU before they are averaged over the plane",
          ),
        side: z
          .number()
          .int()
          .min(3)
          .optional()
          .describe("on a trunk: side of the normal cell's planes, to which larger taps are averaged"),
      })
      .strict()
      .prefault({})
      .describe('the one-shot model'),
    encoder: autoEncoderSchema({ features: 64, state: 128 }).describe('of tasks: support set to z'),
    controller: z
      .object({
        kind: z
          .enum(['task-aware', 'shared'])
          .default('task-aware')
          .describe('`shared`: one architecture for all tasks (M-NAS-Shared)'),
        hidden: z.number().int().min(1).default(128).describe('width of its hidden layer'),
        kinds: z
          .number()
          .int()
          .min(1)
          .optional()
          .describe(
            'kinds of images that its choice is learned on, one a domain: a task of another kind gets the first architecture',
          ),
      })
      .strict()
      .prefault({})
      .describe('z to the architecture'),
    modulator: z
      .object({
        kind: z
          .enum(['channel', 'full', 'none'])
          .default('channel')
          .describe(
            '`channel`: one factor a channel; `full`: one a weight, as the paper writes; `none`: M-NAS-NM',
          ),
      })
      .strict()
      .prefault({})
      .describe('z to factors of the meta-weights'),
    head: z
      .object({
        kind: z
          .enum(['prototype', 'shared', 'linear', 'ridge'])
          .default('prototype')
          .describe(
            '`prototype`: class means; `shared`: one meta-learned vector for every class; `linear`: meta-learned outputs; `ridge`, on a trunk: solved anew after every step',
          ), // docs/adr/0016-trunk.md
        outputs: z
          .number()
          .int()
          .min(2)
          .optional()
          .describe('of a `linear` head, which has one: the most classes of a task'),
      })
      .strict()
      .refine(({ kind, outputs }) => (kind === 'linear') === (outputs !== undefined), {
        path: ['outputs'],
        message: 'a linear head has a number of outputs, and no other has one',
      })
      .prefault({})
      .describe('features to classes'),
    normalization: z
      .object({
        statistics: z
          .enum(['support', 'batch'])
          .default('support')
          .describe(
            "`support`: by the support set's statistics (served); `batch`: by the batch's own (the paper's)",
          ),
        epsilon: z.number().positive().default(1e-5).describe('added to variances'),
      })
      .strict()
      .prefault({})
      .describe('of activations'),
    innerLoop: z
      .object({
        steps: z
          .number()
          .int()
          .min(0)
          .default(5)
          .describe('gradient steps of a task; 0: it adapts its head alone'),
        learningRate: z.number().positive().default(0.05).describe('ρ_inner'),
        rates: z
          .enum(['fixed', 'learned'])
          .default('fixed')
          .describe('`learned`: a factor of ρ for every step and weight tensor, part of Θ (MAML++)'),
        exactSteps: z
          .union([z.number().int().min(0), z.literal('all')])
          .default('all')
          .describe('last steps that the outer gradient goes through; 0 is first-order MAML, `all` is exact'),
      })
      .strict()
      .prefault({})
      .describe('Eq. 8'),
    mirroring: z
      .strictObject({
        shots: z.number().int().min(1).describe('most images a class in the mean'),
      })
      .optional()
      .describe('support sets of so few images are adapted to with their mirror images'), // adaptation/mirror-images.ts
    crops: z
      .strictObject({
        shots: z.number().int().min(1).describe('most images a class in the mean'),
        count: z.number().int().min(1).describe('crops of each image'),
      })
      .optional()
      .describe('on a trunk: support sets of so few images are adapted to with crops of each image'),
    int8: z
      .boolean()
      .optional()
      .describe(
        'whether a file tells the ranges of its tensors on the support set, so that it has a twin of 8-bit integers',
      ), // model/quantization/
  })
  .strict()
  .refine(({ trunk, network }) => !trunk || network.kind === 'cells', {
    path: ['trunk'],
    message: 'cells alone stand on a trunk',
  })
  .refine(({ trunk, head }) => (trunk !== undefined) === (head.kind === 'ridge'), {
    path: ['head', 'kind'],
    message: 'a network on a trunk has a ridge head, and no other has one',
  })
  .refine(({ innerLoop: { steps, rates } }) => steps > 0 || rates === 'fixed', {
    path: ['innerLoop', 'rates'],
    message: 'there are no rates to learn without steps',
  })
  .refine(({ controller: { kind, kinds } }) => kind === 'task-aware' || kinds === undefined, {
    path: ['controller', 'kinds'],
    message: 'a shared architecture is not chosen',
  })
  .refine(({ network, mirroring }) => network.kind === 'cells' || !mirroring, {
    path: ['mirroring'],
    message: 'a network without an encoder has no embedding to decide by',
  });

export type ModelConfiguration = z.infer<typeof modelConfigurationSchema>;

/** Side of the planes that the first convolution gives. */
export const firstSide = ({ size, stride }: ModelConfiguration['image']): number => size / stride;

export const parseModelConfiguration = (value: unknown): ModelConfiguration =>
  modelConfigurationSchema.parse(value);

/** How many of the inner steps, the last ones, the outer gradient goes through. */
export const exactSteps = ({ innerLoop: { steps, exactSteps: exact } }: ModelConfiguration): number =>
  exact === 'all' ? steps : Math.min(exact, steps);
