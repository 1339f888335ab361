import type * as z from 'zod';
import { closest } from './closest.ts';
import { describedBy } from './described.ts';
import type { Described } from './described.ts';
import { readExtendedYaml } from './extended-yaml.ts';

type Issue = z.core.$ZodIssue;

/**
 * Reads a YAML file, which may extend another, and checks it.
 * @throws Error of one or two lines: the file, the key, what is wrong with it and what may be meant
 */
export async function readConfiguration<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
  const { content, fileOf } = await readExtendedYaml(path);
  const parsed = schema.safeParse(content, { reportInput: true });
  if (parsed.success) return parsed.data;
  // a misspelt key is why another one is missing
  const isUnknown = ({ code }: Issue): number => Number(code === 'unrecognized_keys');
  const [first, ...others] = parsed.error.issues.toSorted((a, b) => isUnknown(b) - isUnknown(a));
  const more = others.length === 0 ? '' : `\nand ${others.length} more like it: mend this one first`;
  throw new Error(`${sentenceOf(first!, schema, fileOf)}${more}`, { cause: parsed.error });
}

function sentenceOf(
  issue: Issue,
  schema: z.ZodType,
  fileOf: (keys: readonly PropertyKey[]) => string,
): string {
  const { path } = issue;
  const at = (keys: readonly PropertyKey[]): string =>
    `${fileOf(keys)}: ${keys.length === 0 ? '' : `${keyOf(keys)}: `}`;
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    const known = keysAt(schema, path);
    const meant = closest(key!, known);
    const remedy = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean ${meant}?`;
    return `${at([...path, key!])}unknown key; ${remedy}`;
  }
  const received = issue.input;
  if (issue.code === 'invalid_type' && received === undefined)
    return `${at(path)}is missing: ${issue.expected} expected`;
  if (issue.code === 'invalid_type' && received === null)
    return `${at(path)}is empty, which ~ alone is too: ${issue.expected} expected, in quotes if it is text`;
  if (issue.code === 'invalid_union' && issue.errors.length === 0)
    return `${at(path)}must be one of ${choicesAt(schema, path).join(', ')}`;
  return `${at(path)}${issue.message.replace(/^Invalid input: /, '')}`;
}

/** `stages[0].iterations` */
const keyOf = (path: readonly PropertyKey[]): string =>
  path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`))
    .join('');

/** What may stand at a path of keys, in every variant. */
function describedAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly Described[] {
  const below = (node: Described, key: PropertyKey): readonly (Described | undefined)[] =>
    variantsOf(node).map((variant) =>
      typeof key === 'number'
        ? (variant.prefixItems?.[key] ?? variant.items)
        : variant.properties?.[String(key)],
    );
  return path
    .reduce<readonly Described[]>(
      (nodes, key) => nodes.flatMap((node) => below(node, key)).filter((node) => node !== undefined),
      [describedBy(schema)],
    )
    .flatMap(variantsOf);
}

const variantsOf = (node: Described): readonly Described[] => [
  node,
  ...[node.oneOf, node.anyOf, node.allOf].flatMap((own) => own ?? []).flatMap(variantsOf),
];

const keysAt = (schema: z.ZodType, path: readonly PropertyKey[]): string[] => [
  ...new Set(describedAt(schema, path).flatMap(({ properties = {} }) => Object.keys(properties))),
];

const choicesAt = (schema: z.ZodType, path: readonly PropertyKey[]): string[] =>
  describedAt(schema, path).flatMap((node) => (node.const === undefined ? [] : [String(node.const)]));
