import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import * as ort from 'onnxruntime-node';
import * as z from 'zod';
import { createOnnxExecutor } from '../engine/onnxruntime.ts';
import type { OnnxExecutor } from '../engine/onnxruntime.ts';
import { readTrunk } from '../engine/trunk/file.ts';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { storedModel } from '../server/workers/stored-model.ts';
import { trunkCard } from '../training/planes/model-planes.ts';
import { proofTasks, proofWays, stripes } from './proof-tasks.ts';
import type { ProofTask } from './proof-tasks.ts';
import { pythonWith } from './python.ts';

/**
 * Proves that exported files give the service's probabilities in other runtimes, and prints the table of docs/onnx.md. The
 * runtimes are Python packages of pinned versions, which it installs below .cache/. A runtime that takes longer than its
 * minutes is stopped, and the table says how far it came. Exits with 1 where a runtime that is asked for answers a task
 * otherwise, refuses one, or answers none in its time.
 */
const runtimes: Readonly<Record<string, string>> = {
  onnxruntime: 'requirements.txt',
  quant_pre_process: 'requirements.txt',
  opencv: 'requirements.txt',
  'opencv-4': 'requirements-opencv-4.txt',
  openvino: 'requirements.txt',
  tract: 'requirements.txt',
  ncnn: 'requirements.txt',
  onnx2torch: 'requirements.txt',
  tflite: 'requirements-tflite.txt',
};
/** The tasks that are answered, by what the table calls them: the checkpoint's id, and how weights are stored if not as exported. */
const setsOf = {
  'photos-small': ['photos-small', undefined],
  'photos-small, int8 weights': ['photos-small', 'int8'],
  'photos-lite0': ['photos-lite0', undefined],
  'photos-lite0, float32 weights': ['photos-lite0', 'float32'],
} as const;
type SetName = keyof typeof setsOf;

const program = new Command('prove-runtimes')
  .option('--sets <names...>', 'which tasks', Object.keys(setsOf))
  .option('--runtimes <names...>', 'which ones', Object.keys(runtimes))
  .option('--images <n>', 'that a runtime answers for each task', Number, 10)
  .option('--minutes <n>', 'for the tasks of one set in one runtime', Number, 20)
  .option('--tolerance <x>', 'largest accepted difference of a probability', Number, 1e-4)
  .parse();
interface Options {
  readonly sets: SetName[];
  readonly runtimes: string[];
  readonly images: number;
  readonly minutes: number;
  readonly tolerance: number;
}
const options = program.opts<Options>();
const { images: count, minutes } = options;

const home = 'scripts/prove-runtimes';

const folderOf = (set: SetName): string => join('runs', 'prove-runtimes', set.replaceAll(/[^a-z0-9]+/g, '-'));

/** Of one runtime and the tasks of one set. */
interface Cell {
  readonly set: SetName;
  readonly version: string;
  /** that were tried; fewer than the set has where the time was over */
  readonly tasks: number;
  /** that the set has */
  readonly all: number;
  readonly difference: number;
  readonly labels: number;
  readonly failed: number;
}

const lineSchema = z.union([
  z.object({ version: z.string() }),
  z.object({ task: z.string(), error: z.string() }),
  z.object({ task: z.string(), difference: z.number(), labels: z.number() }),
]);

/** The tasks of a set. */
async function* tasksOf(set: SetName, engine: OnnxExecutor): AsyncGenerator<ProofTask & { side: number }> {
  const [id, weights] = setsOf[set];
  const path = join('checkpoints', `${id}.safetensors`);
  const checkpoint = decodeCheckpoint(await readFile(path));
  const trunk = await readTrunk(trunkCard(path, checkpoint.configuration)!);
  for await (const { name, model } of proofTasks(checkpoint, trunk, engine)) {
    const form = weights === undefined ? model : storedModel({ model, weights })!.model;
    yield { name, model: form, side: trunk.card.side };
  }
}

/** Writes the files of a set, the images, and what onnxruntime-node answers; resolves to the number of tasks. */
async function writeTasks(set: SetName): Promise<number> {
  const folder = folderOf(set);
  const engine = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 64 });
  const tasks: { name: string; model: string; expected: string }[] = [];
  await mkdir(folder, { recursive: true });
  let side = 0;
  for await (const { name, model, side: own } of tasksOf(set, engine)) {
    side = own;
    const file = String(tasks.length);
    const pixels = stripes(count, side, 99);
    const session = await ort.InferenceSession.create(model);
    const image = new ort.Tensor('float32', pixels, [count, 3, side, side]);
    const { probabilities } = await session.run({ image });
    await session.release();
    await writeFile(join(folder, 'images.f32'), pixels);
    await writeFile(join(folder, `${file}.onnx`), model);
    await writeFile(join(folder, `${file}.f32`), probabilities!.data as Float32Array);
    tasks.push({ name, model: `${file}.onnx`, expected: `${file}.f32` });
    process.stderr.write(`${set}: ${name}: ${model.length} bytes\n`);
  }
  await engine.dispose();
  await writeFile(join(folder, 'tasks.json'), JSON.stringify({ side, ways: proofWays, count, tasks }));
  return tasks.length;
}

async function cellOf(runtime: string, set: SetName, all: number): Promise<Cell> {
  const python = await pythonWith(join(home, runtimes[runtime]!));
  const child = spawn(python, [join(home, 'runtimes.py'), runtime.replace(/-4$/, ''), folderOf(set)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // onnx2tf calls onnxsim by its name, and goes on without it
    env: { ...process.env, PATH: [dirname(python), process.env['PATH']].join(delimiter) },
  });
  const late = setTimeout(() => child.kill('SIGKILL'), minutes * 60_000);
  let cell: Cell = { set, version: '', tasks: 0, all, difference: 0, labels: 0, failed: 0 };
  for await (const text of createInterface(child.stdout)) {
    if (!text.startsWith('{"')) continue; // what the runtime itself prints
    const line = lineSchema.parse(JSON.parse(text));
    if ('version' in line) cell = { ...cell, version: line.version };
    else {
      process.stderr.write(`${runtime}, ${set}: ${text}\n`);
      cell = { ...cell, ...added(cell, line) };
    }
  }
  clearTimeout(late);
  return cell;
}

const added = (
  { tasks, failed, difference, labels }: Cell,
  line: { readonly error: string } | { readonly difference: number; readonly labels: number },
): Partial<Cell> =>
  'error' in line
    ? { tasks: tasks + 1, failed: failed + 1 }
    : {
        tasks: tasks + 1,
        difference: Math.max(difference, line.difference),
        labels: labels + line.labels,
      };

/** What the table says: tasks answered, the largest difference, and labels that differ where there are any. */
function described({ tasks, all, failed, difference, labels }: Cell): string {
  const answered = `${tasks - failed} of ${all}${tasks < all ? ` in ${minutes} minutes` : ''}`;
  if (failed === tasks) return answered;
  const differ = labels > 0 ? `, ${labels} of ${count * (tasks - failed)} labels differ` : '';
  return `${answered}, ${difference.toExponential(0)}${differ}`;
}

const sizes = new Map<SetName, number>();
for (const set of options.sets) sizes.set(set, await writeTasks(set));
const row = (words: readonly string[]): string => `| ${words.join(' | ')} |`;
const date = new Date().toISOString().slice(0, 10);
const head = [`runtime (${date})`, 'version', ...options.sets];
const table = [row(head), row(head.map(() => '---'))];
const all: Cell[] = [];
for (const runtime of options.runtimes) {
  const cells: Cell[] = [];
  for (const set of options.sets) cells.push(await cellOf(runtime, set, sizes.get(set)!));
  all.push(...cells);
  table.push(row([runtime, cells[0]!.version, ...cells.map(described)]));
}
console.log(table.join('\n'));
/** Runtimes round integers on their own, so that a twin's probabilities are alike and its labels the same. */
const agrees = ({ set, tasks, failed, difference, labels }: Cell): boolean =>
  tasks > 0 && failed === 0 && (setsOf[set][1] === 'int8' ? labels === 0 : difference <= options.tolerance);
process.exitCode = all.every(agrees) ? 0 : 1;
