import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { Command } from 'commander';
import { adaptTask } from '../model/adaptation/adapt-task.ts';
import { decodeCheckpoint } from '../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../model/checkpoint/checkpoint.ts';
import { operationNames } from '../model/search-space/genotype.ts';
import type { CellGenotype, Genotype, GenotypeEdge } from '../model/search-space/genotype.ts';
import { keyFrom, uniform } from '../model/random.ts';

/**
 * Proves that exported files give the same logits on onnxruntime's webgpu provider as on its CPU provider, for the
 * checkpoint's own architectures and for one of every operation, mirrored and not. Without a GPU it runs on the software Vulkan driver
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

function uniformGenotype(operation: GenotypeEdge['operation'], nodes: number): Genotype {
  const cell: CellGenotype = {
    nodes: Array.from({ length: nodes }, (_, target) => [
      { operation, input: target },
      { operation, input: target + 1 },
    ]),
  };
  return { normal: cell, reduction: cell };
}

const checkpoint = decodeCheckpoint(await readFile(path));
const { size } = checkpoint.configuration.image;
const picture = (seed: number): Float32Array => Float32Array.from(uniform(keyFrom(seed), 3 * size * size));
const support = Array.from({ length: 10 }, (_, i) => ({ label: `class ${i % 5}`, pixels: picture(i) }));
const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 64 });
const count = 4;
const images = new ort.Tensor('float32', Float32Array.from(uniform(keyFrom(99), count * 3 * size * size)), [
  count,
  3,
  size,
  size,
]);

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

const all = operationNames.filter((name): name is GenotypeEdge['operation'] => name !== 'none');
const genotypes = [
  ...checkpoint.genotypes,
  ...all.map((name) => uniformGenotype(name, checkpoint.configuration.supernet.nodes)),
];
/** The checkpoint as one that takes every task for mirrored, or none. */
function deciding(mirrored: boolean): Checkpoint {
  const mirroring = checkpoint.parameters['mirroring']?.map((_, i, { length }) =>
    i === length - 1 ? (mirrored ? 1 : -1) : 0,
  );
  return { ...checkpoint, parameters: { ...checkpoint.parameters, ...(mirroring ? { mirroring } : {}) } };
}

let worst = 0;
const cases = genotypes.flatMap((genotype) =>
  (checkpoint.configuration.mirroring ? [true, false] : [false]).map((mirrored) => ({ genotype, mirrored })),
);
for (const { genotype, mirrored } of cases) {
  const given = { ...deciding(mirrored), genotypes: [genotype] };
  const { model } = await adaptTask(given, support, { steps: 5 }, executor);
  const [cpu, webgpu] = [await logits(model, 'cpu'), await logits(model, 'webgpu')];
  const difference = cpu.reduce(
    (largest, x, i) => Math.max(largest, Math.abs(x - webgpu[i]!) / (1 + Math.abs(x))),
    0,
  );
  worst = Math.max(worst, difference);
  const { operation } = genotype.normal.nodes[0]![0]!;
  console.log(JSON.stringify({ genotype: operation, mirrored, bytes: model.length, difference }));
}
await executor.dispose();
console.log(JSON.stringify({ models: cases.length, worst, tolerance, agree: worst <= tolerance }));
process.exitCode = worst <= tolerance ? 0 : 1;
