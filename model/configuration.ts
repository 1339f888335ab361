import { z } from 'zod';

/**
 * Stages of meta-training. `search`: the relaxed network (Algorithm 1). `tune`: what decoding does not select is zeroed,
 * and cotangents go straight through to the controller. `retrain`: decoded networks alone, controller fixed.
 */
export const stageNames = ['search', 'tune', 'retrain'] as const;
export type Stage = (typeof stageNames)[number];

/** `recurrent`: the paper's GRU auto-encoder; `bidirectional`: GRUs from both ends; `set`: attention, no order. */
const kinds = ['recurrent', 'bidirectional', 'set'] as const;

/** Its kind and the lengths of F(x, y) and of a state z_ij, with the lengths that are taken where none is given. */
export const autoEncoderSchema = (lengths: { readonly features: number; readonly state: number }) =>
  z
    .strictObject({
      kind: z.enum(kinds).default('recurrent'),
      features: z.number().int().min(1).default(lengths.features),
      state: z.number().int().min(1).default(lengths.state),
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
    /**
     * `stride` of the first convolution: with 2 all later layers, and their cost, are those of images of half the side,
     * but the kernels have seen every pixel (docs/adr/0010-first-stride.md).
     */
    image: z
      .strictObject({
        size: z.number().int().min(16).max(256).multipleOf(2).default(42),
        stride: z.union([z.literal(1), z.literal(2)]).default(1),
      })
      /** the stem pools windows of 2x2 */
      .refine(({ size, stride }) => size % (2 * stride) === 0, {
        path: ['size'],
        message: 'the first convolution must give an even side',
      })
      .prefault({}),
    /**
     * The frozen network whose planes the cells read in place of pixels (model/trunk/); none: the cells read pixels.
     * Its file is `name`.onnx of the hash `sha256`; `taps` are those that the model reads, in the trunk's order.
     */
    trunk: z
      .strictObject({
        name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        taps: z
          .array(
            z.strictObject({
              name: z.string().regex(/^[a-z0-9]+$/),
              channels: z.number().int().min(1),
              side: z.number().int().min(2),
            }),
          )
          .min(1),
        /**
         * Shares of the sources of features (`cells` and the taps), relative to each other: what a task's shares start
         * from (1 where none is given), and by how much their logarithms may differ from it. None: equal, without bound.
         */
        shares: z
          .strictObject({
            start: z.record(z.string(), z.number().positive()),
            bound: z.number().positive(),
          })
          .optional(),
      })
      .refine(({ taps, shares }) => sharesName(taps, shares), {
        path: ['shares', 'start'],
        message: 'names a source that is neither cells nor a tap',
      })
      .optional(),
    /**
     * `cells`: the network that is searched; `conv4`: the base learner of MAML's tables, to which encoder, controller
     * and modulator do not apply.
     */
    network: z
      .discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('cells') }),
        z.strictObject({ kind: z.literal('conv4'), filters: z.number().int().min(1).default(32) }),
      ])
      .prefault({ kind: 'cells' }),
    supernet: z
      .object({
        channels: z.number().int().min(1).default(16),
        nodes: z.number().int().min(1).max(8).default(4),
        stem: z.tuple([z.number().int().min(1), z.number().int().min(1)]).default([24, 48]),
        /**
         * Whether the last cell's nodes go through a ReLU before they are averaged over the plane. Without it, DARTS's
         * way and the default, what comes after a node's last ReLU is linear in the average
         * (docs/adr/0013-rectified-features.md).
         */
        rectified: z.boolean().optional(),
        /** Side of the normal cell's planes on a trunk: taps of a larger one are averaged down to it. */
        side: z.number().int().min(3).optional(),
      })
      .strict()
      .prefault({}),
    encoder: autoEncoderSchema({ features: 64, state: 128 }),
    controller: z
      .object({
        kind: z.enum(['task-aware', 'shared']).default('task-aware'),
        hidden: z.number().int().min(1).default(128),
      })
      .strict()
      .prefault({}),
    /** `channel`: one factor a channel; `full`: one a weight, as the paper writes; `none`: M-NAS-NM. */
    modulator: z
      .object({ kind: z.enum(['channel', 'full', 'none']).default('channel') })
      .strict()
      .prefault({}),
    /**
     * `prototype`: class means of the support features; `shared`: one meta-learned vector for every class; `ridge`, on a
     * trunk: ridge regression in closed form, solved anew after every step (docs/adr/0016-trunk.md).
     */
    head: z
      .object({ kind: z.enum(['prototype', 'shared', 'ridge']).default('prototype') })
      .strict()
      .prefault({}),
    /** `support`: by the support set's statistics (served); `batch`: by the batch's own (the paper's). */
    normalization: z
      .object({
        statistics: z.enum(['support', 'batch']).default('support'),
        epsilon: z.number().positive().default(1e-5),
      })
      .strict()
      .prefault({}),
    innerLoop: z
      .object({
        /** 0: a task adapts its head alone. */
        steps: z.number().int().min(0).default(5),
        learningRate: z.number().positive().default(0.05),
        /** `learned`: a factor of ρ for every step and weight tensor, part of Θ (MAML++). */
        rates: z.enum(['fixed', 'learned']).default('fixed'),
        /** The last steps that the outer gradient goes through; 0 is first-order MAML, `all` is exact. */
        exactSteps: z.union([z.number().int().min(0), z.literal('all')]).default('all'),
      })
      .strict()
      .prefault({}),
    /** Support sets of at most `shots` images a class are adapted to with their mirror images (adaptation/mirror-images.ts). */
    mirroring: z.strictObject({ shots: z.number().int().min(1) }).optional(),
    /** On a trunk: support sets of at most `shots` images a class are adapted to with so many crops of each image. */
    crops: z.strictObject({ shots: z.number().int().min(1), count: z.number().int().min(1) }).optional(),
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
