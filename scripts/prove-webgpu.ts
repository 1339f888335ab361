import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { Command, Option } from 'commander';
import { readTrunk } from '../engine/trunk/file.ts';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import { trunkCard } from '../training/planes/model-planes.ts';
import { withSoftwareDriver } from './prove-webgpu/driver.ts';

/**
 * Proves that onnxruntime's webgpu provider computes what its CPU provider does: the logits of exported files, for the
 * checkpoint's own architectures, mirrored and not, and for one of every operation; a meta-gradient, node by node and whole; and
 * an iteration of the trainer. Without a GPU it runs on the software Vulkan driver of Debian's chromium package. Exits with 1
 * where something differs by more than the tolerance.
 */
const parts = ['files', 'gradient', 'iteration'] as const;
const program = new Command('prove-webgpu')
  .option('--checkpoint <file>', 'checkpoint', 'checkpoints/photos-small.safetensors')
  .option('--tolerance <x>', 'largest accepted difference, relative', Number, 1e-3)
  .addOption(new Option('--only <part>', 'one part alone').choices(parts))
  .parse();
type Options = { checkpoint: string; tolerance: number; only?: (typeof parts)[number] };
const { checkpoint: path, tolerance, only } = program.opts<Options>();
/** Of a node by itself, which only rounds. */
const nodeTolerance = 1e-5;
/** Of a gradient, over what the CPU's own changes by when its parameters are rounded otherwise. */
const mostOfRounding = 10;
/** Of an iteration: Adam's first step divides every gradient by its own size, also where it is all rounding. */
const iterationTolerance = 1e-2;

withSoftwareDriver();
const { createOnnxExecutor, flushDenormals } = await import('../engine/onnxruntime.ts');
const { probe } = await import('../engine/sessions.ts');
await flushDenormals();
await probe({ provider: 'webgpu', threads: 1, cacheSize: 1 });

const print = (found: Readonly<Record<string, unknown>>) => console.log(JSON.stringify(found));
const wants = (part: (typeof parts)[number]) => only === undefined || only === part;
let agree = true;

if (wants('files')) {
  const { comparedFiles } = await import('./prove-webgpu/files.ts');
  const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 64 });
  const given = decodeCheckpoint(await readFile(path));
  const trunk = await readTrunk(trunkCard(path, given.configuration)!);
  for await (const found of comparedFiles(given, trunk, executor)) {
    agree &&= found.difference <= tolerance;
    print(found);
  }
  await executor.dispose();
}
if (wants('gradient')) {
  const { comparedGradient } = await import('./prove-webgpu/training.ts');
  for (const stage of ['retrain', 'search'] as const) {
    const found = await comparedGradient(stage);
    agree &&= Math.max(0, ...Object.values(found.differences)) <= nodeTolerance;
    agree &&= found.gradient <= Math.max(tolerance, mostOfRounding * found.ofRounding);
    print({ ...found });
  }
}
if (wants('iteration')) {
  const { comparedIteration } = await import('./prove-webgpu/training.ts');
  const difference = await comparedIteration();
  agree &&= difference <= iterationTolerance;
  print({ iteration: 1, difference });
}
print({ agree, tolerance });
process.exitCode = agree ? 0 : 1;
