import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { writeAtomically } from '../run/write-atomically.ts';

/** So many significant digits are kept in files. */
export const rounded = (values: ArrayLike<number>, digits: number): number[] =>
  Array.from(values, (value) => Number(value.toPrecision(digits)));

/** Keeps a result as `folder`/NAME.json. */
export async function writeJson(folder: string, name: string, content: unknown): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeAtomically(resolve(folder, `${name}.json`), `${JSON.stringify(content)}\n`);
}

/** All results that `folder` keeps, by name; none where there is no folder. */
export async function readJsonFolder<T>(folder: string): Promise<Record<string, T>> {
  if (!existsSync(folder)) return {};
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  const entries = files.map(async (file): Promise<[string, T]> => {
    const text = await readFile(join(folder, file), 'utf8');
    return [basename(file, '.json'), JSON.parse(text) as T];
  });
  return Object.fromEntries(await Promise.all(entries));
}
