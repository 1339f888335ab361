import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOnnxExecutor } from '../../engine/onnxruntime.ts';
import type { EngineChoice } from '../../engine/options.ts';
import { decodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import { initialParameters } from '../../model/parameters.ts';
import { TaskRunner } from '../../model/inner-loop/task-runner.ts';
import type { Parameters } from '../../model/layers/parameter-specification.ts';
import { metaGradient } from '../../model/meta-gradient/meta-gradient.ts';
import { fold, keyFrom, normal } from '../../model/random.ts';
import type { MetaTask } from '../../model/task/labelled-set.ts';
import { oneHotTargets } from '../../model/task/labelled-set.ts';
import type { ImageDomain } from '../../training/data/domain.ts';
import { trainingConfigurationSchema } from '../../training/outer-loop/configuration.ts';
import { Trainer } from '../../training/outer-loop/trainer.ts';
import { RunFolder } from '../../training/run/run-folder.ts';
import { proofWays, stripes } from '../proof-tasks.ts';
import { NodeComparison } from './nodes.ts';
import type { ComparedNodes } from './nodes.ts';

/** Side of the images, and images a class. */
const [side, shot, query] = [20, 5, 3];
const shapes = [{ way: proofWays, shot, query }];
/** Half of the distance between neighbours in float32, relative. */
const rounding = 2 ** -24;
/** Whether a rounding changes which branch a maximum or a ReLU takes is chance: so often it is tried. */
const draws = 4;

/** A run small enough for a driver without a GPU, with every part of the model. */
const configuration = trainingConfigurationSchema.parse({
  name: 'proof',
  seed: 1,
  model: {
    image: { size: side },
    supernet: { channels: 4, nodes: 2, stem: [4, 8] },
    innerLoop: { steps: 2, learningRate: 0.05 },
  },
  domains: [{ source: { kind: 'folder', name: 'stripes', path: 'none' } }],
  stages: [{ stage: 'retrain', iterations: 1, shapes }],
  metaBatch: 2,
  maximumGenotypes: 1,
  workers: 1,
  validation: { every: 1000, tasks: 1, query },
});

/** How far apart the providers are, as distances of vectors relative to their lengths. */
export interface ComparedTraining extends ComparedNodes {
  readonly stage: 'retrain' | 'search';
  readonly gradient: number;
  /** the largest that the CPU's own gradient changes by, when every parameter is rounded otherwise */
  readonly ofRounding: number;
}

/** One meta-gradient of five images a class: every node by itself, and the whole. */
export async function comparedGradient(stage: ComparedTraining['stage']): Promise<ComparedTraining> {
  const { model } = configuration;
  const parameters = initialParameters(model, keyFrom(1));
  const nodes = new NodeComparison();
  const relaxation = { mask: null, alphaTemperature: 1 };
  const options = { stage, reconstructionWeight: 0.1, relaxation };
  const gradient = (runner: TaskRunner, at: Parameters) =>
    metaGradient(runner, at, proofTask(), options).then(({ gradients }) => gradients);
  const cpu = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 20 });
  const webgpu = createOnnxExecutor({ provider: 'webgpu', threads: 1, cacheSize: 20 });
  try {
    const runner = new TaskRunner(model, cpu);
    const base = await gradient(runner, parameters);
    let ofRounding = 0;
    for (let draw = 0; draw < draws; draw++) {
      const other = await gradient(runner, roundedOtherwise(parameters, draw));
      ofRounding = Math.max(ofRounding, relativeDistance(base, other));
    }
    const whole = relativeDistance(base, await gradient(new TaskRunner(model, webgpu), parameters));
    await gradient(new TaskRunner(model, nodes), parameters);
    return { stage, gradient: whole, ofRounding, ...nodes.found };
  } finally {
    await cpu.dispose();
    await webgpu.dispose();
  }
}

/** One iteration of the trainer: the difference of what the parameters move by, relative to that. */
export async function comparedIteration(): Promise<number> {
  const root = await mkdtemp(join(tmpdir(), 'm-nas-webgpu-'));
  const after = async (engine: EngineChoice, iterations: number): Promise<Parameters> => {
    const folder = new RunFolder(join(root, `${engine} ${iterations}`));
    const trainer = await Trainer.start(configuration, [stripesDomain()], folder, 'new', engine);
    try {
      await trainer.run({}, iterations);
      return decodeCheckpoint(trainer.checkpoint()).parameters;
    } finally {
      await trainer.close();
    }
  };
  try {
    const before = await after('onnxruntime', 0);
    const [one, other] = [await after('onnxruntime', 1), await after('onnxruntime webgpu', 1)];
    const moved = (to: Parameters): Parameters =>
      Object.fromEntries(
        Object.entries(to).map(([name, values]) => [name, values.map((x, i) => x - before[name]![i]!)]),
      );
    return relativeDistance(moved(one), moved(other));
  } finally {
    await rm(root, { recursive: true });
  }
}

function proofTask(): MetaTask {
  const set = (perClass: number, seed: number) => {
    const count = proofWays * perClass;
    const labels = Array.from({ length: count }, (_, i) => i % proofWays);
    return { images: stripes(count, side, seed), targets: oneHotTargets(labels, proofWays), count };
  };
  const support = set(shot, 1);
  return { size: { way: proofWays, support: support.count }, support, query: set(query, 2) };
}

/** Six classes that train, five each that validate and test. */
function stripesDomain(): ImageDomain {
  const [count, perClass] = [16, shot + query];
  const values = stripes(count * perClass, side, 3);
  const pixels = new Uint8Array(new SharedArrayBuffer(values.length));
  values.forEach((value, i) => (pixels[i] = Math.round(255 * Math.min(1, Math.max(0, value)))));
  const classes = Array.from({ length: count }, (_, c) => {
    const split = c < 6 ? ('train' as const) : c < 11 ? ('val' as const) : ('test' as const);
    return { name: `class ${c}`, split, first: c * perClass, count: perClass };
  });
  return { name: 'stripes', size: side, pixels, classes, fingerprint: 'stripes' };
}

const roundedOtherwise = (parameters: Parameters, draw: number): Parameters =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, values]) => {
      const noise = normal(fold(keyFrom(draw), name), values.length);
      return [name, values.map((x, i) => x * (1 + rounding * noise[i]!))];
    }),
  );

function relativeDistance(one: Parameters, other: Parameters): number {
  let [difference, length] = [0, 0];
  for (const [name, values] of Object.entries(one))
    values.forEach((x, i) => {
      difference += (x - other[name]![i]!) ** 2;
      length += x ** 2;
    });
  return Math.sqrt(difference / length);
}
