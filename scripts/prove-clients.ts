import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { startOwnService } from '../bench/serve/process.ts';
import type { Schema } from '../contract/schema.ts';
import { pythonWith } from './python.ts';

/**
 * Proves that clients which nobody here wrote work with a running service: those that openapi-python-client and
 * \@hey-api/openapi-ts generate of openapi.yaml upload, adapt and predict, and those of Triton and KServe infer. Exits with
 * an error where one does not.
 */
const generator = '@hey-api/openapi-ts@0.95.0';
const home = 'scripts/prove-clients';
const folder = join('runs', 'prove-clients');
const images = join(folder, 'images');
const colours = { red: '#d01010', green: '#10a020', blue: '#1020d0' } as const;

const run = promisify(execFile);

async function step(command: string, ...given: readonly string[]): Promise<void> {
  const { stdout } = await run(command, given, { maxBuffer: 2 ** 26 });
  const lines = stdout.trim().split('\n');
  console.log(lines.filter((line) => !line.startsWith('{')).join('\n'));
}

/** Two discs of each colour, LABEL-NUMBER.png. */
async function drawImages(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(images, { recursive: true });
  for (const [label, colour] of Object.entries(colours))
    for (const radius of [30, 40]) {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96"><circle cx="48" cy="48" r="${radius}" fill="${colour}"/></svg>`;
      await sharp(Buffer.from(svg))
        .flatten({ background: 'white' })
        .toFile(join(images, `${label}-${radius}.png`));
    }
}

async function makeTask(url: string): Promise<Schema<'ImagesTask'>> {
  const form = new FormData();
  for (const name of await readdir(images))
    form.append(name.split('-')[0]!, new Blob([Uint8Array.from(await readFile(join(images, name)))]), name);
  const answer = await fetch(`${url}/v1/tasks`, { method: 'POST', body: form });
  if (!answer.ok) throw new Error(`no task was made: ${await answer.text()}`);
  return (await answer.json()) as Schema<'ImagesTask'>;
}

await drawImages();
const python = await pythonWith(join(home, 'requirements.txt'));
const service = await startOwnService();
try {
  const generated = join(folder, 'python');
  await run(python, [join(home, 'generate.py'), 'openapi.yaml', generated], { maxBuffer: 2 ** 26 });
  await step(python, join(home, 'generated.py'), generated, service.url, images);

  const typescript = join(folder, 'typescript');
  await run('npx', ['--yes', generator, '-i', 'openapi.yaml', '-o', typescript]);
  await writeFile(join(typescript, 'package.json'), '{"type": "module"}');
  await step('npx', 'tsx', join(home, 'generated.ts'), typescript, service.url, images);

  const { id, model } = await makeTask(service.url);
  await step(python, join(home, 'inference.py'), service.url, id, String(model.input.shape[2]));
} finally {
  await service.stop();
}
