import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { startOwnService } from '../bench/serve/process.ts';
import type { Schema } from '../contract/schema.ts';
import { points } from './fuzz/corpus.ts';
import { exitCodeOf, pythonWith } from './python.ts';

/**
 * Sends what schemathesis makes of openapi.yaml to a service of its own, and looks whether every answer is one that the
 * contract promises. Most paths name a task, a checkpoint or a trunk that is there. Exits with 1 where an answer is not.
 */
const program = new Command('prove-contract')
  .option('--cases <n>', 'at most so many for an operation', '20')
  .option('--seed <n>', 'of all cases', '1')
  .parse();
const { cases, seed } = program.opts<{ cases: string; seed: string }>();
const folder = join('runs', 'prove-contract');
/** The service's own deadline for a request (MNAS_REQUEST_SECONDS), and some time to say so. */
const answerSeconds = '200';
/** Of the paths that name what is there; the others name what schemathesis thinks of. */
const shareOfKnownPaths = 0.9;
/** Of the faults of earlier runs, which would be sent again: a run is that of its seed alone. */
const noCache = '[cache]\nenabled = false\n';
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];

/** Makes a task of images or of points, and returns its id. */
async function makeTask(url: string, body: unknown): Promise<string> {
  const answer = await fetch(`${url}/v1/tasks`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`no task was made: ${await answer.text()}`);
  return ((await answer.json()) as Schema<'ImagesTask' | 'RegressionTask'>).id;
}

/** Of one colour each, by label. */
async function makeImages(): Promise<Record<string, string[]>> {
  const labels = ['red', 'green', 'blue'];
  const images = labels.map((background) =>
    sharp({ create: { width: 8, height: 8, channels: 3, background } })
      .png()
      .toBuffer(),
  );
  return Object.fromEntries(
    (await Promise.all(images)).map((image, i) => [labels[i]!, [image.toString('base64')]]),
  );
}

/** What paths may name, by what selects their operations. What is removed is no other operation's task. */
async function thingsOf(
  url: string,
): Promise<readonly (readonly [select: string, ids: readonly string[]])[]> {
  const { checkpoints } = (await (await fetch(`${url}/v1/checkpoints`)).json()) as Schema<'Checkpoints'>;
  const tasks = [
    await makeTask(url, { support: points }),
    await makeTask(url, { support: await makeImages() }),
  ];
  return [
    ['include-path-regex = "^/v[12]/(tasks|models)/"\nexclude-method = "DELETE"', tasks],
    ['include-operation-id = "deleteTask"', [await makeTask(url, { support: points.slice(1) })]],
    ['include-operation-id = "getCheckpointFile"', checkpoints.map(({ id }) => id)],
    [
      'include-operation-id = "getTrunkFile"',
      checkpoints.flatMap((each) => ('trunk' in each ? [each.trunk.sha256] : [])),
    ],
  ];
}

/** Writes a configuration of schemathesis by which paths name what the service has, and returns its file. */
async function configure(url: string): Promise<string> {
  const things = (await thingsOf(url)).filter(([, ids]) => ids.length > 0);
  const dictionaries = things.map(([, ids], i) => `[dictionaries.d${i}]\nvalues = ${JSON.stringify(ids)}\n`);
  const operations = things.map(
    ([select], i) =>
      `[[operations]]\n${select}\nparameters = { "path.id" = { dictionary = "d${i}", probability = ${shareOfKnownPaths} } }\n`,
  );
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'schemathesis.toml');
  await writeFile(file, [noCache, ...dictionaries, ...operations].join('\n'));
  return file;
}

async function prove(python: string, url: string): Promise<number> {
  const given = ['-m', 'schemathesis.cli', '--config-file', await configure(url), 'run', 'openapi.yaml'];
  const bounds = ['--url', url, '--max-examples', cases, '--seed', seed, '--request-timeout', answerSeconds];
  const looked = ['--checks', checks.join(','), '--phases', 'examples,coverage,fuzzing'];
  return exitCodeOf(python, [...given, ...bounds, ...looked]);
}

const python = await pythonWith('scripts/prove-contract/requirements.txt');
const service = await startOwnService();
process.exitCode = await prove(python, service.url).finally(service.stop);
