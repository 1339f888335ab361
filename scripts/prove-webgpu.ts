import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Command } from 'commander';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { proofTasks, stripes } from './proof-tasks.ts';

/**
 * Proves that exported files give the same logits on onnxruntime's webgpu provider as on its CPU provider, for the
 * checkpoint's own architectures, mirrored and not, and for one of every operation. Without a GPU it runs on the software Vulkan driver
 * of Debian's chromium package. Exits with 1 when a logit differs by more than the tolerance.
 */
const program = new Command('prove-webgpu')
  .option('--checkpoint <file>', 'checkpoint', 'checkpoints/photos.safetensors')
  .option('--tolerance <x>', 'largest accepted difference of a logit, relative to 1 + |logit|', Number, 1e-3)
  .parse();
const { checkpoint: path, tolerance } = program.opts<{ checkpoint: string; tolerance: number }>();

const softwareDriver = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (!process.env['VK_ICD_FILENAMES'] && existsSync(softwareDriver))
  process.env['VK_ICD_FILENAMES'] = softwareDriver;
process.env['XDG_RUNTIME_DIR'] ??= tmpdir();
const ort = await import('onnxruntime-node'); // after the driver has been chosen
const { createOnnxExecutor } = await import('../engine/onnxruntime.ts');

const checkpoint = decodeCheckpoint(await readFile(path));
const { size } = checkpoint.configuration.image;
const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 64 });
const count = 4;
const images = new ort.Tensor('float32', stripes(count, size, 99), [count, 3, size, size]);

async function logits(model: Uint8Array, provider: 'cpu' | 'webgpu'): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [provider],
    logSeverityLevel: 3,
  });
  const results = await session.run({ image: images });
  const data = Float32Array.from((await results['logits']!.getData()) as Float32Array);
  await session.release();
  return data;
}

let worst = 0;
let models = 0;
for await (const { name, model } of proofTasks(checkpoint, executor)) {
  const [cpu, webgpu] = [await logits(model, 'cpu'), await logits(model, 'webgpu')];
  const difference = cpu.reduce(
    (largest, x, i) => Math.max(largest, Math.abs(x - webgpu[i]!) / (1 + Math.abs(x))),
    0,
  );
  worst = Math.max(worst, difference);
  models++;
  console.log(JSON.stringify({ task: name, bytes: model.length, difference }));
}
await executor.dispose();
console.log(JSON.stringify({ models, worst, tolerance, agree: worst <= tolerance }));
process.exitCode = worst <= tolerance ? 0 : 1;
