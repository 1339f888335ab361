import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { parse } from 'yaml';
import { isMissing } from './missing-file.ts';

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A YAML file that may say `extends: OTHER.yaml`, relative to itself, and then only what it has differently: mappings
 * are merged key by key, everything else is replaced as a whole.
 * @throws Error when a file is missing, when files extend each other in a circle, or when `extends` is not a path
 */
export const readExtendedYaml = (path: string): Promise<unknown> => readChain(normalize(path), []);

/** `from` are the files that lead here, the first one first. */
async function readChain(path: string, from: readonly string[]): Promise<unknown> {
  const chain = [...from, path];
  if (from.includes(path)) throw new Error(`configurations extend each other: ${chain.join(' > ')}`);
  const content: unknown = parse(await readText(path, from.at(-1)));
  if (!isMapping(content) || !('extends' in content)) return content;
  const { extends: base, ...own } = content;
  if (typeof base !== 'string' || base === '')
    throw new Error(`${path}: extends must be the path of a YAML file, not ${JSON.stringify(base)}`);
  return merged(await readChain(join(dirname(path), base), chain), own);
}

async function readText(path: string, by: string | undefined): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new Error(by === undefined ? `there is no ${path}` : `${by} extends ${path}, which is not there`, {
      cause: error,
    });
  }
}

function merged(base: unknown, own: unknown): unknown {
  if (!isMapping(base) || !isMapping(own)) return own;
  const entries = Object.entries(own).map(([key, value]) => [key, merged(base[key], value)] as const);
  return { ...base, ...Object.fromEntries(entries) };
}
