import { Command, Option } from 'commander';
import { flushDenormals } from '../engine/onnxruntime.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import { integerFrom, integersFrom, list, skipOf, strictOption } from './command/arguments.ts';
import { runCommand } from './command/run-command.ts';
import { taskProgress } from './command/task-progress.ts';
import { commit } from './run/commit.ts';
import { splits } from './data/domain.ts';
import type { Split } from './data/domain.ts';
import { readSources } from './data/sources-file.ts';
import { readPlanesConfiguration } from './planes/configuration.ts';
import type { PlaneDomain } from './planes/plane-domain.ts';
import { evaluateCheckpoint, evaluationTable } from './evaluation/evaluate-checkpoint.ts';
import type { EvaluatedDomains } from './evaluation/evaluate-checkpoint.ts';
import { domainsOfPlanes, domainsOfSources } from './evaluation/evaluated-domains.ts';
import type { Tested } from './evaluation/evaluated-domains.ts';
import type { EvaluatedSplit } from './evaluation/evaluated-domains.ts';
import { evaluateOpenSets, openSetTable } from './evaluation/open-set-report.ts';
import { settingsOf } from './evaluation/settings.ts';
import { evaluateStages, stagesTables } from './evaluation/stages-report.ts';
import { sourcesOf } from './own-images/configuration.ts';
import { defaultCheckpoint } from './own-images/plan.ts';
import { surveyImages } from './own-images/survey.ts';
import { withoutTilde } from './run/paths.ts';
import { readCheckpoint } from './run/read-checkpoint.ts';
import { writeAtomically } from './run/write-atomically.ts';

const integer = integerFrom(1);

const program = new Command('evaluate')
  .description(
    'Few-shot accuracy of a checkpoint on test classes, served and transductive, beside two floors. A domain of fewer classes has tasks of as many ways as it has.',
  )
  .option('--checkpoint <file>', 'checkpoint (safetensors); the bundled default where none is given')
  .option('--sources <file>', 'YAML list of data sources', 'training/configs/quick-evaluation.yaml')
  .addOption(
    new Option(
      '--images <folder>',
      'instead: a folder with a folder a class, held out as `npm run train` does',
    ),
  )
  .addOption(
    new Option(
      '--planes <file>',
      'instead, for a checkpoint on a trunk: a training configuration whose planes are kept',
    ).conflicts('images'),
  )
  .option('--domains <names>', 'only these, comma-separated', list)
  .addOption(
    new Option('--split <split>', 'every: the classes of all splits')
      .choices([...splits, 'every'])
      .default('test'),
  )
  .option('--tasks <n>', 'tasks a domain and shot', integer, 600)
  .option(
    '--classes <n>',
    'on a trunk, but for --planes: classes of a split whose planes are computed, at most',
    integerFrom(2),
    40,
  )
  .option('--way <n>', 'classes a task, at most', integerFrom(2), 5)
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
  .option('--seed <n>', 'seed of the tasks', integerFrom(0), 2020)
  .option('--workers <n>', 'worker threads', integer, 2)
  .addOption(strictOption())
  .option('--out <file>', 'writes the JSON report to a file')
  .option('--json', 'prints the JSON report instead of a table', false);

interface EvaluateOptions {
  readonly checkpoint?: string;
  readonly sources: string;
  readonly images?: string;
  readonly planes?: string;
  readonly domains?: readonly string[];
  readonly split: EvaluatedSplit;
  readonly tasks: number;
  readonly classes: number;
  readonly way: number;
  readonly shots: readonly number[];
  readonly query: number;
  readonly foreign?: number;
  readonly stages: boolean;
  readonly against: readonly string[];
  readonly plain: boolean;
  readonly seed: number;
  readonly workers: number;
  readonly strict: boolean;
  readonly out?: string;
  readonly json: boolean;
}

async function main(): Promise<void> {
  const options = program.parse().opts<EvaluateOptions>();
  await flushDenormals();
  const path = options.checkpoint ?? (await defaultCheckpoint());
  const checkpoint = await readCheckpoint(path);
  if (options.stages && !checkpoint.configuration.trunk)
    throw new Error(`--stages needs a checkpoint on a trunk, which ${path} is not`);
  const against: Checkpoint[] = [];
  if (options.stages) for (const other of options.against) against.push(await readCheckpoint(other));
  const domains = await domainsOf(options, { checkpoint, path, against });
  const started = performance.now();
  const { tasks, way, shots, query, seed, foreign } = options;
  const split = options.split === 'every' ? 'test' : options.split;
  const { settings, notes } = settingsOf(domains, { split, way, shots, query }, foreign);
  if (settings.length === 0) throw new Error(`no tasks: ${notes.join('; ')}`);
  if (domains.some((domain) => 'pixelHash' in domain) && options.planes === undefined)
    console.error(
      `${options.classes} ${options.split === 'every' ? '' : `${options.split} `}classes of a domain at most (--classes)`,
    );
  for (const note of notes) console.error(note);
  const { reports, table } = await reportsOf(checkpoint, against, domains, { ...options, split });
  process.stderr.write('\n');
  const result = {
    checkpoint: checkpoint.id,
    commit: commit(),
    protocol: { split: options.split, tasks, way, shots, query, seed, foreign },
    seconds: Math.round((performance.now() - started) / 1000),
    domains: reports,
  };
  if (options.out !== undefined) await writeAtomically(options.out, `${JSON.stringify(result, null, 2)}\n`);
  console.log(options.json ? JSON.stringify(result) : table);
}

/** @throws Error that names the domains that are there, when one is asked for that is not */
async function domainsOf(
  options: EvaluateOptions,
  given: Pick<Tested, 'checkpoint' | 'path' | 'against'>,
): Promise<EvaluatedDomains> {
  const { images, planes, split, shots, classes, workers, domains: asked } = options;
  const skip = skipOf(options.strict);
  const chosen = <T>(all: readonly T[], nameOf: (one: T) => string): T[] => {
    const names = all.map(nameOf);
    const unknown = asked?.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new Error(`--domains: there is no ${unknown} among ${names.join(', ')}`);
    return all.filter((one) => asked?.includes(nameOf(one)) ?? true);
  };
  if (planes !== undefined) {
    const { domains, ...configuration } = await readPlanesConfiguration(planes);
    const kept = chosen(domains, ({ source }) => source.name);
    return domainsOfPlanes({ ...configuration, domains: kept }, split, skip);
  }
  const sources = images === undefined ? await readSources(options.sources) : await ownSources(images);
  const tested = { ...given, split, shots, classes, workers };
  return domainsOfSources(
    chosen(sources, ({ name }) => name),
    tested,
    skip,
  );
}

async function ownSources(images: string): Promise<ReturnType<typeof sourcesOf>> {
  const { domains, warnings } = await surveyImages(withoutTilde(images));
  for (const warning of warnings) console.error(warning);
  return sourcesOf(domains);
}

/** The report that is asked for, and as a table. */
async function reportsOf(
  checkpoint: Checkpoint,
  against: readonly Checkpoint[],
  domains: EvaluatedDomains,
  options: EvaluateOptions & { readonly split: Split },
): Promise<{ readonly reports: unknown; readonly table: string }> {
  const common = { ...options, progress: taskProgress('tasks', 10) };
  if (options.stages) {
    const kept = domains.filter((domain): domain is PlaneDomain => 'pixelHash' in domain);
    const reports = await evaluateStages(checkpoint, against, kept, { ...common, floors: false });
    return { reports, table: stagesTables(reports) };
  }
  if (options.foreign === undefined) {
    const reports = await evaluateCheckpoint(checkpoint, domains, { ...common, floors: true });
    return { reports, table: evaluationTable(reports) };
  }
  const { foreign } = options;
  const reports = await evaluateOpenSets(checkpoint, domains, { ...common, foreign, floors: false });
  return { reports, table: openSetTable(reports) };
}

await runCommand(main);
