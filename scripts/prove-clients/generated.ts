import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Body } from '../../contract/schema.ts';

/**
 * Makes a task and predicts with the client that `@hey-api/openapi-ts` generated of openapi.yaml.
 * Arguments: the client's folder, the service's URL, a folder of files LABEL-NUMBER.png.
 */
type Files = Readonly<Record<string, readonly File[]>>;
interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
}
/** What is used of the generated client; its files are not there when this is checked. */
interface Generated {
  readonly createTask: (
    options: Readonly<{ body: Files; baseUrl: string }>,
  ) => Promise<Answer<Body<'createTask', 201>>>;
  readonly createPredictions: (
    options: Readonly<{ body: Files; baseUrl: string; path: { readonly id: string } }>,
  ) => Promise<Answer<Body<'createPredictions', 200>>>;
}

const [client = '', baseUrl = '', folder = ''] = process.argv.slice(2);
const { createTask, createPredictions } = (await import(
  pathToFileURL(resolve(client, 'sdk.gen.ts')).href
)) as Generated;

const names = (await readdir(folder)).sort();
const labelOf = (name: string): string => name.split('-')[0]!;
const files = await Promise.all(
  names.map(async (name) => new File([Uint8Array.from(await readFile(join(folder, name)))], name)),
);
const support: Record<string, File[]> = {};
for (const file of files) (support[labelOf(file.name)] ??= []).push(file);

const made = await createTask({ baseUrl, body: support });
if (!made.data) throw new Error(`no task was made: ${JSON.stringify(made.error)}`);
const answered = await createPredictions({ baseUrl, path: { id: made.data.id }, body: { images: files } });
if (!answered.data) throw new Error(`nothing was predicted: ${JSON.stringify(answered.error)}`);
const labels = answered.data.predictions.map((each) => ('label' in each ? each.label : undefined));
if (String(labels) !== String(names.map(labelOf))) throw new Error(`predicted was ${String(labels)}`);
console.log(`openapi-ts: ${labels.length} images uploaded, adapted to and predicted`);
