import { Command } from 'commander';
import * as z from 'zod';
import { OnnxExecutor } from '../engine/onnxruntime.ts';
import { familiarDistance, familiarDistances } from '../model/controller/familiar-kinds.ts';
import { TaskRunner } from '../model/inner-loop/task-runner.ts';
import { fold, keyFrom } from '../model/random.ts';
import { hasSomeTasks } from '../training/data/tasks.ts';
import { embedTrunkTask } from '../training/evaluation/trunk-tasks.ts';
import { readPlanesConfiguration } from '../training/planes/configuration.ts';
import { planesOf } from '../training/planes/progress-bar.ts';
import { readCheckpoint } from '../training/run/read-checkpoint.ts';

/**
 * How many tasks of each domain lie near a kind of images that a checkpoint's controller chooses for. With the kinds in the
 * order of the domains that the checkpoint was trained on; a domain of another place is no kind of its own.
 */
const program = new Command('familiar-kinds')
  .description('Counts tasks near each kind of images that a controller has learned to choose for.')
  .requiredOption('--checkpoint <file>', 'checkpoint whose model names kinds (safetensors)')
  .requiredOption('--planes <file>', 'training configuration whose domains are counted')
  .option('--split <split>', 'train, val or test', 'val')
  .option('--tasks <n>', 'tasks a domain, shot and way', '60');

const options = z
  .object({
    checkpoint: z.string(),
    planes: z.string(),
    split: z.enum(['train', 'val', 'test']),
    tasks: z.coerce.number().int().positive(),
  })
  .parse(program.parse().opts());

const { id, configuration, parameters, training } = await readCheckpoint(options.checkpoint);
if (!configuration.controller.kinds) throw new Error(`${options.checkpoint} names no kinds of images`);
const trained = z
  .object({
    configuration: z.object({ domains: z.array(z.object({ source: z.object({ name: z.string() }) })) }),
  })
  .parse(training).configuration.domains;
const kinds = trained.map(({ source }) => source.name);
const domains = await planesOf(await readPlanesConfiguration(options.planes));
const executor = new OnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 8 });
const runner = new TaskRunner(configuration, executor);
const memory = { take: (length: number) => new Float32Array(length) };

console.log(`${id}: tasks within a distance of ${familiarDistance}, of ${kinds.join(', ')}\n`);
console.log('| domain | tasks | its own kind | any other kind | which |\n| --- | --- | --- | --- | --- |');
for (const domain of domains) {
  const shapes = [1, 5]
    .flatMap((shot) => [5, 12].map((way) => ({ way, shot, query: 0 })))
    .filter((shape) => hasSomeTasks(domain, options.split, shape));
  const near: number[][] = [];
  for (const shape of shapes)
    for (let task = 0; task < options.tasks; task++) {
      const key = fold(keyFrom(2020), 'familiar', domain.name, shape.shot, shape.way, task);
      const payload = { split: options.split, shape };
      const { embedding } = await embedTrunkTask(runner, parameters, domain, { key, payload, memory });
      const distances = familiarDistances(configuration, parameters, embedding);
      near.push(kinds.flatMap((_, kind) => (distances[kind]! <= familiarDistance ? [kind] : [])));
    }
  const own = kinds.indexOf(domain.name);
  const share = (count: number): string => `${Math.round((100 * count) / near.length)} %`;
  const others = near.filter((those) => those.some((kind) => kind !== own)).length;
  const which = kinds.filter((_, kind) => kind !== own && near.some((those) => those.includes(kind)));
  const itself = own < 0 ? '–' : share(near.filter((those) => those.includes(own)).length);
  console.log(`| ${domain.name} | ${near.length} | ${itself} | ${share(others)} | ${which.join(', ')} |`);
}
await executor.dispose();
