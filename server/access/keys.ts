import { createHash, timingSafeEqual } from 'node:crypto';

/** What a key may do: each what the ones before it may, and more. */
export const scopes = ['read', 'write', 'admin'] as const;
/**
 * `read`: use the tasks of its owner. `write`: make tasks, and remove those of its owner. `admin`: both with the tasks of
 * every owner.
 */
export type Scope = (typeof scopes)[number];

/** An API key: its owner, as whom it is told in logs and limits, what it may do, and the SHA-256 of the key. */
export interface ApiKey {
  readonly name: string;
  readonly scope: Scope;
  readonly hash: Uint8Array;
}

/** The keys that are known at present. */
export interface KeySource {
  readonly current: readonly ApiKey[];
}

/** Keys that stay as they are. */
export const fixedKeys = (current: readonly ApiKey[]): KeySource => ({ current });

/** Whether a key of one scope may do what takes another. */
export const permits = (scope: Scope, needed: Scope): boolean =>
  scopes.indexOf(scope) >= scopes.indexOf(needed);

/** A key has 256 random bits, so that a fast hash without salt is enough: nobody can try them all. */
export const hashKey = (key: string): Uint8Array => createHash('sha256').update(key).digest();

const entryPattern = new RegExp(`^([\\w.-]{1,64}):([0-9a-f]{64})(?::(${scopes.join('|')}))?$`);
/** Of a key that is listed without one. */
export const usualScope = 'write' satisfies Scope;

/** Whether an entry of MNAS_API_KEYS can have this name. */
export const isKeyName = (name: string): boolean => entryPattern.test(`${name}:${'0'.repeat(64)}`);

/**
 * Keys as MNAS_API_KEYS and its file list them: `name:sha256` or `name:sha256:scope`, between commas or in lines; what is
 * behind a `#` is a comment. Several keys may have one name, to replace one by another.
 * @throws Error naming the entry by its position (it may hold a key in the clear), never its text
 */
export function parseKeys(text: string): readonly ApiKey[] {
  const entries = text
    .replaceAll(/#.*/g, '')
    .split(/[,\n]/)
    .flatMap((entry) => entry.trim() || []);
  return entries.map((entry, index) => {
    const [, name, hash, scope = usualScope] = entryPattern.exec(entry) ?? [];
    if (name === undefined || hash === undefined)
      throw new Error(
        `entry ${index + 1} is not NAME:SHA256 or NAME:SHA256:SCOPE as \`npm run key\` prints it`,
      );
    return { name, scope: scope as Scope, hash: Buffer.from(hash, 'hex') };
  });
}

/** The key that was presented, or undefined. Compares with every known key, in the same time whatever is presented. */
export function identify(keys: readonly ApiKey[], presented: string): ApiKey | undefined {
  const hash = hashKey(presented);
  let found: ApiKey | undefined;
  for (const key of keys) if (timingSafeEqual(key.hash, hash)) found = key;
  return found;
}
