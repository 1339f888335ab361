import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import { integerFrom, integersFrom, list } from './command/arguments.ts';
import { commit } from './run/commit.ts';
import { splits } from './data/domain.ts';
import type { ClassedDomain, ImageDomain } from './data/domain.ts';
import { loadDomains } from './data/domains.ts';
import { readPlanesConfiguration } from './planes/configuration.ts';
import type { PlaneDomain } from './planes/plane-domain.ts';
import { planesOf } from './planes/progress-bar.ts';
import { evaluateCheckpoint, evaluationTable } from './evaluation/evaluate-checkpoint.ts';
import { evaluateOpenSets, openSetTable } from './evaluation/open-set-report.ts';
import { evaluateStages, stagesTables } from './evaluation/stages-report.ts';
import { writeAtomically } from './run/write-atomically.ts';
import { sourceSchema } from './data/source.ts';
import { parse } from 'yaml';
import { z } from 'zod';

const integer = integerFrom(1);

const program = new Command('evaluate')
  .description(
    'Few-shot accuracy of a checkpoint on test classes, served and transductive, beside two floors.',
  )
  .requiredOption('--checkpoint <file>', 'checkpoint (safetensors)')
  .option('--sources <file>', 'YAML list of data sources', 'training/configs/evaluation.yaml')
  .option(
    '--planes <file>',
    'configuration of the kept planes, for a checkpoint on a trunk',
    'training/configs/planes/unseen.yaml',
  )
  .option('--domains <names>', 'only these, comma-separated', list)
  .option('--split <split>', 'train, val, test, or every: the classes of all splits', 'test')
  .option('--tasks <n>', 'tasks a domain and shot', integer, 600)
  .option('--way <n>', 'classes a task', integer, 5)
  .option('--shots <list>', 'images a class, comma-separated', integersFrom(1), [1, 5])
  .option('--query <n>', 'queries a class', integer, 15)
  .option(
    '--foreign <n>',
    'instead: how foreign images are told, of so many classes beside those of a task',
    integer,
  )
  .option(
    '--stages',
    'instead, on a trunk: each stage switched off, plain features of the trunk, and other checkpoints, on the same tasks',
    false,
  )
  .option('--against <files>', 'checkpoints that --stages compares with, comma-separated', list, [])
  .option('--no-plain', 'leaves plain features out of --stages')
  .option('--seed <n>', 'seed of the tasks', integer, 2020)
  .option('--workers <n>', 'worker threads', integer, 2)
  .option('--out <file>', 'writes the JSON report to a file')
  .option('--json', 'prints the JSON report instead of a table', false);

const optionsSchema = z.object({
  checkpoint: z.string(),
  sources: z.string(),
  planes: z.string(),
  domains: z.array(z.string()).optional(),
  split: z.enum([...splits, 'every']),
  tasks: z.number(),
  way: z.number(),
  shots: z.array(z.number()),
  query: z.number(),
  foreign: z.number().optional(),
  stages: z.boolean(),
  against: z.array(z.string()),
  plain: z.boolean(),
  seed: z.number(),
  workers: z.number(),
  out: z.string().optional(),
  json: z.boolean(),
});

async function main(): Promise<void> {
  const options = optionsSchema.parse(program.parse().opts());
  await flushDenormals();
  const checkpoint = await checkpointAt(options.checkpoint);
  const chosen = (name: string): boolean => options.domains?.includes(name) ?? true;
  const asked = <D extends ClassedDomain>(domains: readonly D[]): D[] =>
    domains.map((domain) => (options.split === 'every' ? withEveryClass(domain) : domain));
  const loaded = checkpoint.configuration.trunk
    ? { planes: asked(await keptPlanes(options.planes, chosen)) }
    : { decoded: asked(await decoded(options.sources, chosen, checkpoint.configuration.image.size)) };
  const started = performance.now();
  const { tasks, way, shots, query, seed, foreign } = options;
  const split = options.split === 'every' ? 'test' : options.split;
  const progress = (done: number, total: number): void => {
    if (done % 100 === 0) process.stderr.write(`\r${done} of ${total} tasks`);
  };
  const common = { ...options, split, progress };
  const evaluate = async () => {
    if (options.stages) {
      if (!loaded.planes) throw new Error('--stages needs a checkpoint on a trunk');
      const against = await Promise.all(options.against.map(checkpointAt));
      const reports = await evaluateStages(checkpoint, against, loaded.planes, {
        ...common,
        floors: false,
      });
      return { reports, table: stagesTables(reports) };
    }
    if (foreign === undefined) {
      const reports = await evaluateCheckpoint(checkpoint, loaded.planes ?? loaded.decoded, {
        ...common,
        floors: true,
      });
      return { reports, table: evaluationTable(reports) };
    }
    const reports = await evaluateOpenSets(checkpoint, loaded.planes ?? loaded.decoded, {
      ...common,
      foreign,
      floors: false,
    });
    return { reports, table: openSetTable(reports) };
  };
  const { reports, table } = await evaluate();
  process.stderr.write('\n');
  const result = {
    checkpoint: checkpoint.id,
    commit: commit(),
    protocol: { split: options.split, tasks, way, shots, query, seed, foreign },
    seconds: Math.round((performance.now() - started) / 1000),
    domains: reports,
  };
  if (options.out) await writeAtomically(options.out, `${JSON.stringify(result, null, 2)}\n`);
  console.log(options.json ? JSON.stringify(result) : table);
}

const checkpointAt = async (path: string): Promise<Checkpoint> => decodeCheckpoint(await readFile(path));

async function decoded(
  file: string,
  chosen: (name: string) => boolean,
  side: number,
): Promise<ImageDomain[]> {
  const sources = z.array(sourceSchema).parse(parse(await readFile(file, 'utf8')));
  return loadDomains(
    sources.filter(({ name }) => chosen(name)),
    side,
    () => undefined,
  );
}

/** All classes as test classes. */
const withEveryClass = <D extends ClassedDomain>(domain: D): D => ({
  ...domain,
  classes: domain.classes.map((own) => ({ ...own, split: 'test' as const })),
});

async function keptPlanes(file: string, chosen: (name: string) => boolean): Promise<PlaneDomain[]> {
  const { domains, ...configuration } = await readPlanesConfiguration(file);
  return planesOf({ ...configuration, domains: domains.filter(({ source }) => chosen(source.name)) });
}

await main();
