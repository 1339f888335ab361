import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import * as ort from 'onnxruntime-node';
import { z } from 'zod';
import { createOnnxExecutor } from '../engine/onnxruntime.ts';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import { proofTasks, stripes } from './proof-tasks.ts';
import { pythonWith } from './python.ts';

/**
 * Proves that exported files give the service's probabilities in other runtimes, and prints the table of docs/onnx.md. The
 * runtimes are Python packages of pinned versions, which it installs below .cache/. Exits with 1 where a runtime that is
 * asked for answers a task otherwise or not at all.
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
const program = new Command('prove-runtimes')
  .option('--checkpoint <file>', 'checkpoint', 'checkpoints/photos.safetensors')
  .option('--runtimes <names...>', 'which ones', Object.keys(runtimes))
  .option('--tolerance <x>', 'largest accepted difference of a probability', Number, 1e-4)
  .parse();
const options = program.opts<{ checkpoint: string; runtimes: string[]; tolerance: number }>();

const home = 'scripts/prove-runtimes';
const folder = join('runs', 'prove-runtimes');
const count = 50;

interface Row {
  readonly version: string;
  readonly tasks: number;
  readonly difference: number;
  readonly labels: number;
  /** of the tasks that could not be run, the first one's */
  readonly error: string | undefined;
  readonly failed: number;
}

const lineSchema = z.union([
  z.object({ version: z.string() }),
  z.object({ task: z.string(), error: z.string() }),
  z.object({ task: z.string(), difference: z.number(), labels: z.number() }),
]);

async function exported(checkpoint: Checkpoint): Promise<void> {
  const side = checkpoint.configuration.image.size;
  const pixels = stripes(count, side, 99);
  const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 64 });
  const tasks: { name: string; model: string; expected: string }[] = [];
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'images.f32'), pixels);
  let ways = 0;
  for await (const { name, model } of proofTasks(checkpoint, executor)) {
    const file = String(tasks.length);
    const session = await ort.InferenceSession.create(model);
    const image = new ort.Tensor('float32', pixels, [count, 3, side, side]);
    const { probabilities } = await session.run({ image });
    await session.release();
    ways = probabilities!.dims[1]!;
    await writeFile(join(folder, `${file}.onnx`), model);
    await writeFile(join(folder, `${file}.f32`), probabilities!.data as Float32Array);
    tasks.push({ name, model: `${file}.onnx`, expected: `${file}.f32` });
    process.stderr.write(`${name}: ${model.length} bytes\n`);
  }
  await executor.dispose();
  await writeFile(join(folder, 'tasks.json'), JSON.stringify({ side, ways, count, tasks }));
}

async function rowOf(runtime: string): Promise<Row> {
  const python = await pythonWith(join(home, runtimes[runtime]!));
  const child = spawn(python, [join(home, 'runtimes.py'), runtime.replace(/-4$/, ''), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // onnx2tf calls onnxsim by its name, and goes on without it
    env: { ...process.env, PATH: [dirname(python), process.env['PATH']].join(delimiter) },
  });
  let row: Row = { version: '', tasks: 0, difference: 0, labels: 0, error: undefined, failed: 0 };
  for await (const text of createInterface(child.stdout)) {
    if (!text.startsWith('{"')) continue; // what the runtime itself prints
    const line = lineSchema.parse(JSON.parse(text));
    if ('version' in line) row = { ...row, version: line.version };
    else {
      process.stderr.write(`${runtime}: ${text}\n`);
      row = { ...row, ...added(row, line) };
    }
  }
  return row;
}

function added(
  row: Row,
  line: { readonly task: string } & ({ error: string } | { difference: number; labels: number }),
): Partial<Row> {
  const tasks = row.tasks + 1;
  if ('error' in line)
    return { tasks, failed: row.failed + 1, error: row.error ?? `${line.task}: ${line.error}` };
  return {
    tasks,
    difference: Math.max(row.difference, line.difference),
    labels: row.labels + line.labels,
  };
}

await exported(decodeCheckpoint(await readFile(options.checkpoint)));
const rows: (readonly [string, Row])[] = [];
for (const runtime of options.runtimes) rows.push([runtime, await rowOf(runtime)]);
const date = new Date().toISOString().slice(0, 10);
console.log(`| runtime (${date}) | version | tasks answered | largest difference | labels that differ |`);
console.log('| --- | --- | --- | --- | --- |');
for (const [runtime, { version, tasks, failed, difference, labels, error }] of rows) {
  const answered = `${tasks - failed} of ${tasks}`;
  const figures =
    failed === tasks ? '— | —' : `${difference.toExponential(0)} | ${labels} of ${count * (tasks - failed)}`;
  console.log(`| ${runtime} | ${version} | ${answered} | ${figures} |`);
  if (error !== undefined) process.stderr.write(`${runtime}: ${error}\n`);
}
const agree = ([, row]: readonly [string, Row]): boolean =>
  row.tasks > 0 && row.failed === 0 && row.difference <= options.tolerance;
process.exitCode = rows.every(agree) ? 0 : 1;
