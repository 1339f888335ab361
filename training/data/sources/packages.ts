import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { drawingVersion } from './drawing.ts';

const { resolve } = createRequire(import.meta.url);
const manifest = z.object({ name: z.string(), version: z.string() });

/** The folder of an installed npm package. `entry`: a file in its top folder that its exports allow. */
export function packageFolder(name: string, entry: string): string {
  try {
    return dirname(resolve(`${name}/${entry}`));
  } catch (error) {
    throw new Error(`${name} is not installed (npm i -D ${name})`, { cause: error });
  }
}

/** Name and version of packages: what their drawings depend on. */
export async function packageStamp(folders: readonly string[]): Promise<string> {
  const versions = folders.map(async (folder) => {
    const { name, version } = manifest.parse(
      JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')),
    );
    return `${name}@${version}`;
  });
  return [`drawing ${drawingVersion}`, ...(await Promise.all(versions))].join();
}
