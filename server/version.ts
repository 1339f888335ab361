import { readFileSync } from 'node:fs';
import * as z from 'zod';

const packageFile = readFileSync(new URL('../package.json', import.meta.url), 'utf8');

/** Of the service, as package.json has it. */
export const { version } = z.object({ version: z.string() }).parse(JSON.parse(packageFile));
