import { Command } from 'commander';
import * as ort from 'onnxruntime-node';
import * as z from 'zod';
import { OnnxExecutor } from '../engine/onnxruntime.ts';
import { readTrunk } from '../engine/trunk/file.ts';
import { adaptOnTrunk } from '../model/adaptation/adapt-on-trunk.ts';
import { bestOf } from '../model/accuracy/ranking.ts';
import { fold, keyFrom } from '../model/random.ts';
import { storedModel } from '../server/workers/stored-model.ts';
import { tellRanges } from '../server/workers/tell-ranges.ts';
import { loadDomains, logDecoding } from '../training/data/domains.ts';
import { readSources } from '../training/data/sources-file.ts';
import { sampleTask } from '../training/data/tasks.ts';
import type { LabelledImages } from '../training/data/tasks.ts';
import { trunkCard } from '../training/planes/model-planes.ts';
import { differences, intervalOf } from '../training/report/statistics.ts';
import type { Interval } from '../training/report/statistics.ts';
import { readCheckpoint } from '../training/run/read-checkpoint.ts';
import { bytesOf, trunkSupport } from './trunk-support.ts';

/**
 * How often twins of 8-bit integers are right, beside the files that they are twins of, on the same tasks. Exits with 1
 * where they are more than `--points` behind in the mean over the domains, or one has more bytes than `--bytes`.
 */
const program = new Command('prove-int8')
  .requiredOption('--checkpoint <file>', 'checkpoint on a trunk (safetensors)')
  .requiredOption('--sources <file>', 'YAML list of sources of images')
  .option('--split <split>', 'train, val or test', 'val')
  .option('--shots <n>', 'images a class', '5')
  .option('--tasks <n>', 'a domain', '40')
  .option('--seed <n>', '', '2020')
  .option('--points <x>', 'that may be lost', '1')
  .option('--bytes <n>', 'that a twin may have', '61440');

const options = z
  .object({
    checkpoint: z.string(),
    sources: z.string(),
    split: z.enum(['train', 'val', 'test']),
    shots: z.coerce.number().int().positive(),
    tasks: z.coerce.number().int().positive(),
    seed: z.coerce.number().int(),
    points: z.coerce.number(),
    bytes: z.coerce.number(),
  })
  .parse(program.parse().opts());

const checkpoint = await readCheckpoint(options.checkpoint);
const { innerLoop } = checkpoint.configuration;
const card = trunkCard(options.checkpoint, checkpoint.configuration);
if (card === undefined) throw new Error(`${options.checkpoint} stands on no trunk`);
const trunk = await readTrunk(card);
const { side } = trunk.card;
const executor = new OnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 64 });
const domains = await loadDomains(await readSources(options.sources), side, logDecoding);
const shape = { way: 5, shot: options.shots, query: 15 };

/** Percent of the images that a file is right about. */
async function accuracy(file: Uint8Array, { images, labels }: LabelledImages): Promise<number> {
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3 });
  const image = new ort.Tensor('float32', images, [labels.length, 3, side, side]);
  const { probabilities } = await session.run({ image });
  await session.release();
  const data = probabilities!.data as Float32Array;
  const { way } = shape;
  const right = labels.filter((label, i) => bestOf(data.subarray(i * way, (i + 1) * way)) === label);
  return (100 * right.length) / labels.length;
}

const show = ({ mean, half }: Interval): string => `${mean.toFixed(2)} ± ${half.toFixed(2)}`;
let largest = 0;
const behind: number[] = [];
console.log(
  `${checkpoint.id}, ${options.split} classes, 5-way ${options.shots}-shot, ${options.tasks} tasks, seed ${options.seed}\n`,
);
console.log(
  '| domain | file | 8-bit twin | twin − file | bytes of a file | of a twin |\n| --- | --- | --- | --- | --- | --- |',
);
for (const domain of domains) {
  const [whole, twins]: [number[], number[]] = [[], []];
  let [bytes, twinBytes] = [0, 0];
  for (let task = 0; task < options.tasks; task++) {
    const key = fold(keyFrom(options.seed), 'int8', domain.name, options.shots, task);
    const { support, query } = sampleTask(key, domain, options.split, shape);
    // labels whose order is that of the classes
    const labels = [...support.labels].map(String);
    const rows = await trunkSupport(checkpoint, trunk, executor, { images: support.images, labels });
    const { model, multiplyAdds } = await adaptOnTrunk(
      checkpoint,
      trunk,
      rows,
      { steps: innerLoop.steps },
      executor,
    );
    const images = bytesOf(support.images, labels.length);
    const file = await tellRanges(executor, { model, multiplyAdds, imageSize: side, images });
    const { model: twin } = storedModel({ model: file, weights: 'int8' })!;
    whole.push(await accuracy(file, query));
    twins.push(await accuracy(twin, query));
    [bytes, twinBytes] = [Math.max(bytes, file.length), Math.max(twinBytes, twin.length)];
  }
  const difference = intervalOf(differences(twins, whole));
  behind.push(-difference.mean);
  largest = Math.max(largest, twinBytes);
  console.log(
    `| ${domain.name} | ${show(intervalOf(whole))} | ${show(intervalOf(twins))} | ${show(difference)} | ${bytes} | ${twinBytes} |`,
  );
}
await executor.dispose();
const lost = behind.reduce((total, points) => total + points, 0) / behind.length;
console.log(`\nlost in the mean: ${lost.toFixed(2)} points; largest twin: ${largest} bytes`);
if (lost > options.points || largest > options.bytes) process.exitCode = 1;
