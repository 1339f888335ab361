import { createHash, timingSafeEqual } from 'node:crypto';

/** A client's API key: what it is called in logs and limits, and the SHA-256 of the key. */
export interface ApiKey {
  readonly name: string;
  readonly hash: Uint8Array;
}

/** A key has 256 random bits, so that a fast hash without salt is enough: nobody can try them all. */
export const hashKey = (key: string): Uint8Array => createHash('sha256').update(key).digest();

const ENTRY = /^([\w.-]{1,64}):([0-9a-f]{64})$/;

/** Whether an entry of MNAS_API_KEYS can have this name. */
export const isKeyName = (name: string): boolean => ENTRY.test(`${name}:${'0'.repeat(64)}`);

/**
 * Keys as MNAS_API_KEYS lists them: `name:sha256,name:sha256`. Several keys may have one name, to replace one by another.
 * @throws Error naming the entry by its position (it may hold a key in the clear), never its text
 */
export function parseKeys(text: string): readonly ApiKey[] {
  const entries = text.split(',').flatMap((entry) => entry.trim() || []);
  return entries.map((entry, index) => {
    const [, name, hash] = ENTRY.exec(entry) ?? [];
    if (name === undefined || hash === undefined)
      throw new Error(`entry ${index + 1} is not NAME:SHA256 as \`npm run key\` prints it`);
    return { name, hash: Buffer.from(hash, 'hex') };
  });
}

/** The name of a key, or undefined. Compares with every known key, in the same time whatever is presented. */
export function identify(keys: readonly ApiKey[], presented: string): string | undefined {
  const hash = hashKey(presented);
  let found: string | undefined;
  for (const key of keys) if (timingSafeEqual(key.hash, hash)) found = key.name;
  return found;
}
