import { trainingConfigurationSchema } from '../training/outer-loop/configuration.ts';
import { describedBy } from '../training/run/described.ts';
import type { Described } from '../training/run/described.ts';

/** Every key of a training configuration as tables of Markdown, one for each group of keys. */
export function trainingKeys(): string {
  return groupsOf('', describedBy(trainingConfigurationSchema))
    .flatMap(({ title, meaning, rows }) => {
      const lines = rows.map((row) => `| ${row.join(' | ')} |`);
      const table = ['| key | values | default | meaning |', '| --- | --- | --- | --- |', ...lines];
      const said = meaning === undefined ? [] : [`${meaning[0]!.toUpperCase()}${meaning.slice(1)}.`];
      return [`### ${title}`, ...said, table.join('\n')];
    })
    .join('\n\n');
}

interface Group {
  readonly title: string;
  readonly meaning: string | undefined;
  readonly rows: readonly (readonly string[])[];
}

/** The keys of an object in one table, each object below it in one of its own. */
function groupsOf(path: string, node: Described, form = ''): Group[] {
  const entries = Object.entries(node.properties ?? {});
  const rows = entries.map(([key, own]) => rowOf(key, own, node.required?.includes(key) ?? false));
  const below = entries.flatMap(([key, own]) => {
    const list = own.type === 'array' && own.items !== undefined;
    const inner = list ? own.items : own;
    const at = `${path === '' ? '' : `${path}.`}${key}${list ? '[]' : ''}`;
    return variantsOf(inner)
      .filter(({ properties }) => properties !== undefined)
      .flatMap((variant) => {
        const { kind } = variant.properties ?? {};
        const told = kind?.const === undefined ? own : kind;
        const description = told.description ?? variant.description;
        const form = told.const === undefined ? '' : ` with \`kind: ${String(told.const)}\``;
        return groupsOf(at, { ...variant, description }, form);
      });
  });
  const title = path === '' ? 'The whole' : `\`${path}\`${form}`;
  return [{ title, meaning: node.description, rows }, ...below];
}

const variantsOf = (node: Described): readonly Described[] => node.oneOf ?? node.anyOf ?? [node];

function rowOf(key: string, node: Described, required: boolean): string[] {
  const given = JSON.stringify(node.default) as string | undefined;
  const fallback = given === undefined || given === '{}' ? '' : `\`${given}\``;
  const meaning = key === 'kind' && node.const !== undefined ? 'this form' : (node.description ?? '');
  return [`\`${key}\``, valuesOf(node), required ? 'must be given' : fallback, meaning];
}

function valuesOf(node: Described): string {
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  if (node.enum) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (node.oneOf ?? node.anyOf) {
    const all = variantsOf(node);
    return all.every(({ properties }) => properties !== undefined)
      ? 'one of the forms below'
      : all.map(valuesOf).join(', ');
  }
  if (node.prefixItems) return `list of ${node.prefixItems.length}: ${valuesOf(node.prefixItems[0]!)} each`;
  if (node.type === 'array') return node.items?.type === 'string' ? 'list of texts' : 'list, see below';
  if (node.type === 'object') return node.properties ? 'see below' : 'mapping of names';
  if (node.type === 'string') return 'text';
  if (node.type === 'boolean') return '`true`, `false`';
  return [node.type === 'integer' ? 'whole number' : 'number', rangeOf(node)].filter(Boolean).join(' ');
}

function rangeOf({ minimum, maximum, exclusiveMinimum, multipleOf }: Described): string {
  const low = exclusiveMinimum === undefined ? minimum : undefined;
  const high = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
  const parts = [
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(low === undefined ? [] : [`${high === undefined ? 'from ' : ''}${low}`]),
    ...(high === undefined ? [] : [`to ${high}`]),
    ...(multipleOf === undefined || multipleOf === 1 ? [] : [`in steps of ${multipleOf}`]),
  ];
  return parts.join(' ');
}

const begin = '<!-- keys: made by `npm run generate:training-keys` -->';
const end = '<!-- end of keys -->';

/** The page with its tables of keys as they are now. @throws Error when the page has no place for them */
export function withTrainingKeys(page: string): string {
  const [before, rest] = page.split(begin);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined) throw new Error(`the page lacks ${begin} or ${end}`);
  return `${before}${begin}\n\n${trainingKeys()}\n\n${end}${after}`;
}
