import { z } from 'zod';

const name = z
  .string()
  .regex(/^[\w.-]+$/, 'a name has letters, digits, dot, dash and underscore only')
  .describe('how the domain is called in reports');

/** A pack: `path`/NAME.bin (encoded images one after another) and `path`/NAME.tsv (split, class, file, offset, length). */
const pack = z.strictObject({ kind: z.literal('pack'), name, path: z.string().min(1) });

/** A folder with a subfolder a class. The rest of the classes, 1 - val - test, are for training. */
const folder = z.strictObject({
  kind: z.literal('folder'),
  name,
  path: z.string().min(1),
  splits: z
    .strictObject({ val: z.number().min(0).max(1), test: z.number().min(0).max(1) })
    .refine(({ val, test }) => val + test <= 1, 'the fractions of val and test sum to at most 1')
    .optional(),
});

/** Drawings of icon sets on npm: class = icon name that several sets share, samples = drawings of the sets. */
const icons = z.strictObject({
  kind: z.literal('icons'),
  name,
  packages: z.array(z.string().regex(/^@iconify-json\/[a-z0-9-]+$/)).min(1),
});

/** Characters drawn by fonts on npm: class = character, samples = families. */
const glyphs = z.strictObject({
  kind: z.literal('glyphs'),
  name,
  packages: z.array(z.string().regex(/^@fontsource\/[a-z0-9-]+$/)).min(1),
});

/** Where a domain's images come from, as written in a training configuration. */
export const sourceSchema = z.discriminatedUnion('kind', [pack, folder, icons, glyphs]);
export type Source = z.infer<typeof sourceSchema>;
export type SourceKind = Source['kind'];
export type SourceOf<K extends SourceKind> = Extract<Source, { kind: K }>;
