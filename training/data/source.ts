import * as z from 'zod';

const name = z
  .string()
  .regex(/^[\w.-]+$/, 'a name has letters, digits, dot, dash and underscore only')
  .describe('how the domain is called in reports');

const kind = <K extends string>(name: K, meaning: string) => z.literal(name).describe(meaning);

const pack = z.strictObject({
  kind: kind(
    'pack',
    '`path`/NAME.bin (encoded images one after another) and `path`/NAME.tsv (split, class, file, offset, length)',
  ),
  name,
  path: z.string().min(1).describe('of the folder with the two files'),
});

const folder = z.strictObject({
  kind: kind('folder', 'a folder with a folder a class'),
  name,
  path: z.string().min(1).describe('of the folder'),
  splits: z
    .strictObject({
      val: z.number().min(0).max(1).describe('share that validates'),
      test: z.number().min(0).max(1).describe('share that tests; the rest trains'),
      of: z
        .enum(['classes', 'images'])
        .optional()
        .describe('what is split: classes (the default), or the images of every class'),
    })
    .refine(({ val, test }) => val + test <= 1, 'the fractions of val and test sum to at most 1')
    .optional()
    .describe('absent: `{ val: 0.15, test: 0.25 }`; names decide what falls where'),
});

const icons = z.strictObject({
  kind: kind(
    'icons',
    'drawings of icon sets on npm: a class is an icon that three sets share, its samples their drawings',
  ),
  name,
  packages: z
    .array(z.string().regex(/^@iconify-json\/[a-z0-9-]+$/))
    .min(1)
    .describe('installed packages, `@iconify-json/NAME`'),
});

const glyphs = z.strictObject({
  kind: kind('glyphs', 'characters drawn by fonts on npm: a class is a character, its samples the fonts'),
  name,
  packages: z
    .array(z.string().regex(/^@fontsource\/[a-z0-9-]+$/))
    .min(1)
    .describe('installed packages, `@fontsource/NAME`'),
});

/** Where a domain's images come from, as written in a training configuration. */
export const sourceSchema = z.discriminatedUnion('kind', [pack, folder, icons, glyphs]);
export type Source = z.infer<typeof sourceSchema>;
export type SourceKind = Source['kind'];
export type SourceOf<K extends SourceKind> = Extract<Source, { kind: K }>;
