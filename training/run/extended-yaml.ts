import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { found } from './missing-file.ts';
import { withoutTilde } from './paths.ts';

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a YAML file says, with what it extends. */
export interface ExtendedYaml {
  readonly content: unknown;
  /** The file that says what stands at a path of keys: of several the last one, of none the file that was read. */
  readonly fileOf: (keys: readonly PropertyKey[]) => string;
}

interface YamlFile {
  readonly path: string;
  readonly content: unknown;
}

/**
 * A YAML file that may say `extends: OTHER.yaml`, relative to itself, absolute or of the user's folder (`~/`), and then only what it has differently:
 * mappings are merged key by key, everything else is replaced as a whole.
 * @throws Error when a file is missing or no YAML, when files extend each other in a circle, or when `extends` is not a path
 */
export async function readExtendedYaml(path: string): Promise<ExtendedYaml> {
  const files = await readChain(normalize(withoutTilde(path)), []);
  const content = files.map((file) => file.content).reduce(merged);
  const fileOf = (keys: readonly PropertyKey[]): string =>
    (files.findLast((file) => hasPath(file.content, keys)) ?? files.at(-1)!).path;
  return { content, fileOf };
}

/** The files that one builds on, the first one first, and itself. `from` are those that lead here. */
async function readChain(path: string, from: readonly string[]): Promise<YamlFile[]> {
  const chain = [...from, path];
  if (from.includes(path)) throw new Error(`configurations extend each other: ${chain.join(' > ')}`);
  const content = await readYaml(path, from.at(-1));
  if (!isMapping(content) || !('extends' in content)) return [{ path, content }];
  const { extends: base, ...own } = content;
  if (typeof base !== 'string' || base === '')
    throw new Error(`${path}: extends must be the path of a YAML file, not ${JSON.stringify(base)}`);
  const place = withoutTilde(base);
  const basePath = isAbsolute(place) ? normalize(place) : join(dirname(path), place);
  return [...(await readChain(basePath, chain)), { path, content: own }];
}

async function readYaml(path: string, by: string | undefined): Promise<unknown> {
  const { LineCounter, parseDocument } = await import('yaml'); // which threads do without
  const lines = new LineCounter();
  const document = parseDocument(await readText(path, by), { lineCounter: lines, prettyErrors: false });
  const [fault] = document.errors;
  if (!fault) return document.toJS() as unknown;
  const { line, col } = lines.linePos(fault.pos[0]);
  throw new Error(`${path}:${line}:${col}: no YAML: ${fault.message.split('\n', 1)[0]!}`);
}

const readText = (path: string, by: string | undefined): Promise<string> =>
  found(
    readFile(path, 'utf8'),
    by === undefined ? `there is no ${path}` : `${by} extends ${path}, which is not there`,
  );

function hasPath(content: unknown, keys: readonly PropertyKey[]): boolean {
  const [first, ...rest] = keys;
  if (first === undefined) return true;
  if (typeof content !== 'object' || content === null || !Object.hasOwn(content, first)) return false;
  return hasPath((content as Record<PropertyKey, unknown>)[first], rest);
}

function merged(base: unknown, own: unknown): unknown {
  if (!isMapping(base) || !isMapping(own)) return own;
  const entries = Object.entries(own).map(([key, value]) => [key, merged(base[key], value)] as const);
  return { ...base, ...Object.fromEntries(entries) };
}
