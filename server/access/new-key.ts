import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { hashKey, isKeyName, scopes, usualScope } from './keys.ts';
import type { Scope } from './keys.ts';

// Prints a new API key for whoever is to have it, and the entry of MNAS_API_KEYS: `npm run key -- NAME SCOPE`.
const [name = 'client', scope = usualScope] = process.argv.slice(2);
if (!isKeyName(name)) {
  process.stderr.write('a name has 1 to 64 letters of ASCII, digits, dots, hyphens and underscores\n');
  process.exit(1);
}
if (!scopes.includes(scope as Scope)) {
  process.stderr.write(`a scope is one of ${scopes.join(', ')}\n`);
  process.exit(1);
}
const key = `mnas_${randomBytes(32).toString('base64url')}`;
const hash = Buffer.from(hashKey(key)).toString('hex');
process.stdout.write(
  `key for the client (shown only now): ${key}\nentry of MNAS_API_KEYS: ${name}:${hash}:${scope}\n`,
);
